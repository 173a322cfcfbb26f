/**
 * `npm run dev`: a device that starts anew when its sources change, beside a page that is built anew when its own do.
 * Its state is in `node_modules/.markco-dev`, so that trying things out never touches the person's own device.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const env = { MARKCO_HOME: join(root, 'node_modules/.markco-dev'), MARKCO_PORT: '7727', ...process.env };
const dirs = process.argv.slice(2);

const children = [
  [join(root, 'node_modules/vite/bin/vite.js'), 'build', join(root, 'apps/web'), '--watch', '--logLevel', 'warn'],
  [
    '--watch',
    join(root, 'apps/cli/src/main.ts'),
    'up',
    '--no-browser',
    ...(dirs.length > 0 ? dirs : [join(root, 'examples/welcome')]),
  ],
].map((args) => spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' }));

const stop = () => {
  for (const child of children) child.kill('SIGTERM');
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
// One without the other is no development: when one ends, so does the other.
for (const child of children) {
  child.on('exit', (code) => {
    process.exitCode ||= code ?? 1;
    stop();
  });
}
