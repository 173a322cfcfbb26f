/** R and Julia run in their Jupyter kernels, which their own people keep. */
import { kernelRow } from './jupyter.ts';

export const rRuntime = kernelRow({
  language: 'r',
  aliases: [],
  label: 'R',
  answers: ['complete', 'inspect', 'hover', 'variables', 'variable', 'isComplete', 'reset'],
  hint: 'R cells need R and its Jupyter kernel. Install them (Debian and Ubuntu: `sudo apt install r-base-core r-cran-irkernel`; elsewhere in R: `install.packages("IRkernel")`), then run the cell again.',
});

export const juliaRuntime = kernelRow({
  language: 'julia',
  aliases: ['jl'],
  label: 'Julia',
  answers: ['complete', 'inspect', 'hover', 'isComplete'],
  hint: 'Julia cells need Julia (julialang.org/downloads) and its Jupyter kernel (in Julia: `using Pkg; Pkg.add("IJulia")`). Install them, then run the cell again.',
});
