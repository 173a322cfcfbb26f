/** Julia runs in its Jupyter kernel, which its own people keep. */
import { kernelRow } from './jupyter.ts';

export const juliaRuntime = kernelRow({
  language: 'julia',
  aliases: ['jl'],
  label: 'Julia',
  answers: ['complete', 'inspect', 'hover', 'isComplete'],
  hint: 'Julia cells need Julia (julialang.org/downloads) and its Jupyter kernel (in Julia: `using Pkg; Pkg.add("IJulia")`). Install them, then run the cell again.',
});
