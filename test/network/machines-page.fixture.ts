/** For tests: the commands of `docs/machines.md`. One that does not stand there is not typed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../../docs/machines.md');

export type Page = {
  /**
   * The words after `markco` of a command as it stands on the page, its words in capitals replaced by `values`.
   *
   * @throws where the page does not have it
   */
  markco(command: string, values?: Readonly<Record<string, string>>): string[];
  /** How a device is started, with its settings. */
  start(command: string): { readonly words: string[]; readonly settings: Readonly<Record<string, string>> };
};

export async function readPage(): Promise<Page> {
  const text = await readFile(PAGE, 'utf8');
  const lines = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block]) => (block ?? '').split('\n'));
  const commands = new Set(lines.map((line) => line.replace(/\s+# .*$/, '').trim()));
  const there = (command: string): string => {
    if (!commands.has(command)) throw new Error(`docs/machines.md does not say: ${command}`);
    return command;
  };
  return {
    markco: (command, values = {}) =>
      there(`npm run markco -- ${command}`)
        .split(' ')
        .slice(4)
        .map((word) => values[word] ?? word),
    start(command) {
      const words = there(command).split(' ');
      const at = words.indexOf('npm');
      const settings = Object.fromEntries(words.slice(0, at).map((word) => word.split('=') as [string, string]));
      return { words: words.slice(at + 2).filter((word) => word !== '--'), settings };
    },
  };
}
