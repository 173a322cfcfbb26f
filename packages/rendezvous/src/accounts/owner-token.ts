/** The token of a cloud: whoever has it runs it. It is made once, and kept in a file that its owner alone can read. */
import { Failure } from '@markco/protocol';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TOKEN_FILE = 'owner-token';

/** @param home exists, and is its owner's alone */
export async function loadOwnerToken(home: string, randomBytes: (length: number) => Uint8Array): Promise<string> {
  const file = join(home, TOKEN_FILE);
  const known = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new Failure('storage_failed', `${file} cannot be read. It says whose this cloud is; nothing was changed.`, {
      cause,
    });
  });
  if (known !== undefined && known.trim() !== '') {
    await chmod(file, 0o600);
    return known.trim();
  }
  const token = Buffer.from(randomBytes(32)).toString('base64url');
  await writeFile(file, `${token}\n`, { mode: 0o600 });
  return token;
}
