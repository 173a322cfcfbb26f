/** The token of a cloud: whoever has it runs it. It is made once, and kept in a file that its owner alone can read. */
import { Failure } from '@markco/protocol';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TOKEN_FILE = 'owner-token';

/**
 * @param home exists, and is its owner's alone
 * @param isRevoked whether it is worth nothing any more, since the cloud has another owner
 */
export async function loadOwnerToken(
  home: string,
  randomBytes: (length: number) => Uint8Array,
  isRevoked: (token: string) => boolean = () => false,
): Promise<string> {
  const file = join(home, TOKEN_FILE);
  const known = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new Failure('storage_failed', `${file} cannot be read. It says whose this cloud is; nothing was changed.`, {
      cause,
    });
  });
  if (known !== undefined && known.trim() !== '' && !isRevoked(known.trim())) {
    await chmod(file, 0o600);
    return known.trim();
  }
  return makeOwnerToken(home, randomBytes);
}

/** Another one, in the place of the one that there was. */
export async function makeOwnerToken(home: string, randomBytes: (length: number) => Uint8Array): Promise<string> {
  const [file, fresh] = [join(home, TOKEN_FILE), join(home, `${TOKEN_FILE}.new`)];
  const token = Buffer.from(randomBytes(32)).toString('base64url');
  await writeFile(fresh, `${token}\n`, { mode: 0o600 });
  await rename(fresh, file);
  return token;
}
