/** Who has a port of this machine. */
import { createServer } from 'node:net';
import type { Cli } from './cli.ts';

/** Null when it is free; else words for its holder, as exact as this machine's tools allow. Port 0 is always free. */
export async function portHolder(cli: Cli, port: number): Promise<string | null> {
  if (port === 0 || (await isFree(port))) return null;
  const lsof = await cli.exec('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], cli.signal).catch(() => null);
  const found = lsof?.stdout.match(/^p(\d+)\nc(.+)$/m);
  if (found) return `${found[2]} (pid ${found[1]})`;
  const ss = await cli.exec('ss', ['-ltnpH', `sport = :${port}`], cli.signal).catch(() => null);
  const listed = ss?.stdout.match(/\(\("([^"]+)",pid=(\d+)/);
  return listed ? `${listed[1]} (pid ${listed[2]})` : 'another program';
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
