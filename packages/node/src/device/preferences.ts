/** What the owner of this device prefers, in its store. It is on disk before it counts. */
import { PreferencesSchema, type Preferences } from '@markco/protocol';
import { nameKey } from '@markco/replica/store/key';
import type { LocalStore } from '@markco/replica/store/store';

const KEY = nameKey('preferences');

export type PreferencesSetting = {
  read(): Preferences;
  write(preferences: Preferences): Promise<Preferences>;
};

/** @param unsaid what holds until its owner says otherwise */
export function createPreferences(store: LocalStore, unsaid: Preferences): PreferencesSetting {
  return {
    read() {
      const found = store.get(KEY);
      const parsed = found === undefined ? undefined : PreferencesSchema.safeParse(parseJson(found));
      return parsed?.success === true ? parsed.data : unsaid;
    },
    async write(preferences) {
      await store.write([{ key: KEY, value: new TextEncoder().encode(JSON.stringify(preferences)) }], { sync: true });
      return preferences;
    },
  };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
