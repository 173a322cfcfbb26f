/**
 * The operating system's keychain: the Keychain of macOS, the Credential Manager of Windows, the Secret Service of a
 * Linux desktop (GNOME, KDE, KeePassXC). A machine without a desktop has none.
 */
import { Failure } from '@markco/protocol';

const SERVICE = 'MarkCo';
/** A locked keychain asks its person for a password. */
const UNLOCK_MS = 120_000;

export type Keychain = {
  /** The secret of this name, or null when there is none. @throws Failure `storage_failed` when it cannot be read */
  get(name: string): Promise<string | null>;
  /** Resolves once it can be read again. @throws Failure `storage_failed` when it cannot be kept */
  set(name: string, secret: string): Promise<void>;
};

export function systemKeychain(): Keychain {
  async function entry(name: string) {
    const { AsyncEntry } = await import('@napi-rs/keyring');
    // Without a Secret Service its default is the kernel's keyring, which forgets everything when the machine restarts.
    return new AsyncEntry(SERVICE, name, { linux: { store: 'secret-service' } });
  }

  const keychain: Keychain = {
    async get(name) {
      try {
        return await (await entry(name)).getPassword(AbortSignal.timeout(UNLOCK_MS));
      } catch (cause) {
        throw unusable(cause);
      }
    },
    async set(name, secret) {
      try {
        await (await entry(name)).setPassword(secret, AbortSignal.timeout(UNLOCK_MS));
      } catch (cause) {
        throw unusable(cause);
      }
      if ((await keychain.get(name)) !== secret) throw unusable(new Error('It gives back something else.'));
    },
  };
  return keychain;
}

function unusable(cause: unknown): Failure {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Failure('storage_failed', `This system's keychain cannot be used: ${why}`, { cause });
}
