/** Formats a cell with the formatter that the project itself has installed: no other knows its style. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import type { Answer } from '@markco/protocol';
import { runFilter } from '../keeper/run-filter.ts';

const FORMATTERS = ['oxfmt', 'prettier'];

export async function format(code: string, folder: string): Promise<Answer<'format'>> {
  for (const name of FORMATTERS) {
    const program = path.join(folder, 'node_modules', '.bin', name);
    if (!(await isThere(program))) continue;
    const done = await runFilter(program, ['--stdin-filepath', path.join(folder, 'cell.ts')], code, folder);
    if (done === null) continue;
    if (done.code !== 0) throw new Error(`${name} could not format this: ${done.stderr.trim().slice(0, 2_000)}`);
    const formatted = code.endsWith('\n') ? done.stdout : done.stdout.trimEnd();
    return { formatted, changed: formatted !== code };
  }
  throw new Error('No formatter is installed in this project. To get one, run in its folder: npm install -D prettier');
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
