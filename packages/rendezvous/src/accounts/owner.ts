/**
 * Whose this rendezvous is: one person, known by one token.
 *
 * A rendezvous begins with nobody. The first device that comes with the token says whose it is, and from then on only
 * devices of that person come in: two people with one token would see each other's documents.
 */
import { Failure, UserIdSchema, type UserId } from '@markco/protocol';
import type { Subject } from '@markco/replica/listen/guard';
import type { Log } from '@markco/replica/documents/log';
import { nameKey } from '@markco/replica/store/key';
import type { Store } from '@markco/replica/store/store';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const OWNER = nameKey('owner');
const TOKEN_FILE = 'owner-token';

export type Owner = {
  /** What the first device of the owner comes with. */
  readonly token: string;
  /** Undefined until a device came. */
  id(): UserId | undefined;
  whose(token: string): Subject | undefined;
  /**
   * A device of this person came with the token.
   * @throws Failure `forbidden` when this is somebody else's
   */
  claim(userId: UserId): Promise<void>;
  /** Another process may have been told whose it is. */
  reload(): Promise<void>;
};

/** @param home exists, and is its owner's alone */
export async function openOwner(parts: {
  readonly home: string;
  readonly store: Store;
  readonly log: Pick<Log, 'writeIf'>;
  /** Of whoever has the token while no device has come yet: nothing belongs to it. */
  readonly nobody: UserId;
}): Promise<Owner> {
  const token = await loadToken(parts.home);
  const expected = digest(token);
  async function load(): Promise<UserId | undefined> {
    const row = await parts.store.read(OWNER);
    return row === undefined ? undefined : UserIdSchema.parse(new TextDecoder().decode(row));
  }
  let owner = await load();
  let claiming: Promise<void> = Promise.resolve();

  return {
    token,
    id: () => owner,
    whose: (given) => (timingSafeEqual(digest(given), expected) ? { userId: owner ?? parts.nobody } : undefined),
    claim(userId) {
      // One after another: of two that come at once the second finds whose it is.
      claiming = claiming
        .catch(() => undefined)
        .then(async () => {
          owner ??= await load();
          if (owner === userId) return;
          if (owner !== undefined)
            throw new Failure(
              'forbidden',
              'This cloud belongs to other devices. Add this one to them first, with `markco pair`, then it belongs here too.',
            );
          const isTaken = await parts.log.writeIf({
            guard: { key: OWNER, was: 0, next: 1 },
            batch: [{ key: OWNER, value: new TextEncoder().encode(userId) }],
          });
          if (!isTaken) throw new Failure('conflict', 'Another device came in the same moment. Try again.');
          owner = userId;
        });
      return claiming;
    },
    async reload() {
      owner ??= await load();
    },
  };
}

async function loadToken(home: string): Promise<string> {
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
  const token = randomBytes(32).toString('base64url');
  await writeFile(file, `${token}\n`, { mode: 0o600 });
  return token;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
