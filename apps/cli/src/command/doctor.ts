/** `markco doctor`: what this machine lacks and how to get it. Fails only when MarkCo itself could not work. */
import { checkHardware } from '../doctor/hardware.ts';
import { checkKernels } from '../doctor/kernels.ts';
import { checkMachine } from '../doctor/machine.ts';
import { checkPrograms } from '../doctor/programs.ts';
import { colorsFor, json, printable } from '../render.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

export const addDoctor: AddVerb = (program, cli, done) => {
  verb(program, 'doctor', 'Look at this machine: what is missing, and how to get it', [
    'markco doctor',
    'markco doctor --json',
  ]).action(async (options: JsonOption) => {
    const checks = [
      ...(await checkMachine(cli)),
      ...(await checkHardware(cli)),
      ...(await checkPrograms(cli)),
      ...(await checkKernels(cli)),
    ];
    const broken = checks.some((check) => check.state === 'broken');
    if (options.json) cli.out.write(json({ ok: !broken, checks }));
    else {
      const colors = colorsFor(cli.out, cli.env);
      const width = Math.max(...checks.map((check) => check.name.length));
      for (const check of checks) {
        const mark =
          check.state === 'ok' ? colors.green('✓') : check.state === 'broken' ? colors.red('✗') : colors.yellow('✗');
        cli.out.write(`${mark} ${check.name.padEnd(width)}  ${printable(check.found)}\n`);
        if (check.state !== 'ok') cli.out.write(`  ${' '.repeat(width)}→ ${printable(check.fix)}\n`);
      }
    }
    done(broken ? 1 : 0);
  });
};
