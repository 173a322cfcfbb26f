/** What this machine offers to runs, and whether its owner's policy for other devices can be read. */
import type { Cli } from '../cli.ts';
import { configOf } from '../home.ts';
import type { Check } from './check.ts';

export async function checkHardware(cli: Cli): Promise<readonly Check[]> {
  const [{ createHardware }, { describeHardware }, { policyFile, readPolicy }] = await Promise.all([
    import('@markco/node/device/capability/hardware'),
    import('@markco/node/device/capability/describe'),
    import('@markco/node/device/policy'),
  ]);
  const { env, platform, kill, now } = cli;
  const hardware = await createHardware({ env, platform, kill, now })();
  const machine: Check = { name: 'This machine', state: 'ok', found: describeHardware(hardware) };
  const { home } = configOf(cli);
  const { problem } = await readPolicy(home);
  if (problem === undefined) return [machine];
  return [
    machine,
    {
      name: 'Policy',
      state: 'missing',
      found: problem,
      fix: `Mend ${policyFile(home)}, or remove it for the defaults`,
    },
  ];
}
