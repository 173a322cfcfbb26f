/** The Jupyter kernels of this machine and the runtime servers its owner has attached: what `kernel` may name. */
import type { Cli } from '../cli.ts';
import { configOf } from '../home.ts';
import type { Check } from './check.ts';

export async function checkKernels(cli: Cli): Promise<readonly Check[]> {
  const [{ findKernelspecs }, { readAttached }] = await Promise.all([
    import('@markco/node/runtimes/jupyter/kernelspec'),
    import('@markco/node/runtimes/remote/attached'),
  ]);
  const { home } = configOf(cli);
  const config = { path: null, venv: null, cwd: null, name: null, kernel: null };
  const specs = await findKernelspecs({ env: cli.env, projectFolder: cli.cwd, config });
  const kernels: Check =
    specs.length > 0
      ? { name: 'Kernels', state: 'ok', found: specs.map(({ name, label }) => `${name} (${label})`).join(', ') }
      : {
          name: 'Kernels',
          state: 'missing',
          found: 'no Jupyter kernel; R and Julia cells cannot run',
          fix: 'Debian and Ubuntu: sudo apt-get install -y r-cran-irkernel; in Julia: using Pkg; Pkg.add("IJulia")',
        };
  try {
    const servers = await readAttached(home);
    if (servers.length === 0) return [kernels];
    const found = servers.map(({ name, url }) => `${name} (${new URL(url).host})`).join(', ');
    return [kernels, { name: 'Attached', state: 'ok', found }];
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return [kernels, { name: 'Attached', state: 'missing', found, fix: `Mend ${home}/runtimes.json, or remove it` }];
  }
}
