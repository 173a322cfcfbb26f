/** Over HTTP: what this device is called and prefers, and who of the user's devices changed what. */
import { CHANGES_DEFAULT, CHANGES_MAX, type Device } from '@markco/protocol';
import type { PreferencesSetting } from '../../device/preferences.ts';
import type { Others } from '../../mesh/others.ts';
import type { SomeHandlers } from '@markco/replica/listen/handlers';

export type RecordRoutesParts = {
  readonly others: Pick<Others, 'now' | 'known'>;
  readonly device: Device;
  readonly preferences: PreferencesSetting;
  /** Keeps the name on disk; it counts from then on. */
  readonly rename: (name: string) => Promise<void>;
};

export function recordRoutes({
  others,
  device,
  preferences,
  rename,
}: RecordRoutesParts): SomeHandlers<'preferences' | 'setPreferences' | 'renameDevice' | 'changes'> {
  return {
    preferences: () => preferences.read(),
    async setPreferences({ body }) {
      const written = await preferences.write(body);
      await others.now()?.record.tell();
      return written;
    },
    async renameDevice({ body }) {
      await rename(body.name);
      await others.now()?.record.tell();
      return { ...device };
    },
    async changes({ query }) {
      const open = await others.known();
      const limit = Math.min(CHANGES_MAX, Number(query.limit ?? CHANGES_DEFAULT));
      return { changes: [...(open?.record.history(limit) ?? [])] };
    },
  };
}
