/**
 * Opens the page in the person's browser, where there is a desktop to do it on.
 *
 * The link signs in, and arguments of programs can be read by everybody on the machine: so the browser is given a
 * file that only its owner can read, and the file leads on to the link.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cli } from './cli.ts';
import { configOf } from './home.ts';

export async function showPage(cli: Cli, url: string): Promise<void> {
  if (!hasDesktop(cli)) return;
  const { home } = configOf(cli);
  const file = join(home, 'open.html');
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(file, page(url), { mode: 0o600 });
  await chmod(file, 0o600);
  cli.showFile(file);
}

/** A person who looks at a screen of this machine: not a pipe, not a build server, not a remote shell. */
function hasDesktop({ out, env, platform }: Cli): boolean {
  if (!out.isTerminal || env['CI'] !== undefined || env['SSH_CONNECTION'] !== undefined) return false;
  if (platform === 'darwin' || platform === 'win32') return true;
  return [env['DISPLAY'], env['WAYLAND_DISPLAY']].some((display) => display !== undefined && display !== '');
}

function page(url: string): string {
  const safe = url.replace(/[&"<>]/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<!doctype html>\n<meta charset="utf-8">\n<meta http-equiv="refresh" content="0; url=${safe}">\n<title>MarkCo</title>\n<a href="${safe}">Open MarkCo</a>\n`;
}
