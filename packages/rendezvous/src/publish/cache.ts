/** What was drawn before, by what it was drawn from; the bytes that were asked for longest ago go first. */

/** Larger ones are drawn anew each time. */
const ENTRY_PART = 8;

export type Cache = {
  get(key: string): Uint8Array | undefined;
  set(key: string, bytes: Uint8Array): void;
  readonly bytes: number;
};

export function createCache(bytesMax: number): Cache {
  const entries = new Map<string, Uint8Array>();
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    get(key) {
      const found = entries.get(key);
      if (found === undefined) return undefined;
      entries.delete(key);
      entries.set(key, found);
      return found;
    },
    set(key, value) {
      if (value.length > bytesMax / ENTRY_PART) return;
      bytes += value.length - (entries.get(key)?.length ?? 0);
      entries.delete(key);
      entries.set(key, value);
      for (const [oldest, { length }] of entries) {
        if (bytes <= bytesMax) break;
        entries.delete(oldest);
        bytes -= length;
      }
    },
  };
}
