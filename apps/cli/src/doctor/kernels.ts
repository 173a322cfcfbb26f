/** The Jupyter kernels of this machine and the runtime servers its owner has attached: what `kernel` may name. */
import type { Cli } from '../cli.ts';
import { configOf } from '../home.ts';
import type { Check } from './check.ts';

/** Languages that run in a kernel only. */
const NEEDED = [{ language: 'Julia', fix: 'In Julia: using Pkg; Pkg.add("IJulia")' }];

export async function checkKernels(cli: Cli): Promise<readonly Check[]> {
  const [{ findKernelspecs }, { readAttached }] = await Promise.all([
    import('@markco/node/runtimes/jupyter/kernelspec'),
    import('@markco/node/runtimes/remote/attached'),
  ]);
  const { home } = configOf(cli);
  const config = { path: null, venv: null, cwd: null, name: null, kernel: null };
  const specs = await findKernelspecs({ env: cli.env, projectFolder: cli.cwd, config });
  const found = specs.map(({ name, label }) => `${name} (${label})`).join(', ');
  const kernels: Check[] = specs.length === 0 ? [] : [{ name: 'Kernels', state: 'ok', found }];
  for (const { language, fix } of NEEDED) {
    if (specs.some((spec) => spec.language.toLowerCase() === language.toLowerCase())) continue;
    const name = `${language} kernel`;
    kernels.push({ name, state: 'missing', found: `not found; ${language} cells cannot run`, fix });
  }
  try {
    const servers = await readAttached(home);
    if (servers.length === 0) return kernels;
    const names = servers.map(({ name, url }) => `${name} (${new URL(url).host})`).join(', ');
    return [...kernels, { name: 'Attached', state: 'ok', found: names }];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const fix = `Mend ${home}/runtimes.json, or remove it`;
    return [...kernels, { name: 'Attached', state: 'missing', found: why, fix }];
  }
}
