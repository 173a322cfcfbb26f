/**
 * The user's other devices, once there are any. What it takes to find and trust them is loaded and listens only then:
 * a device that is alone stays small, starts quickly and is not on the network at all.
 */
import { existsSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import type { OpenMesh } from './open-mesh.ts';

export const USER_LOG = 'user-log.json';

export type Others = {
  /** Null while this device is alone, or is still finding out. */
  now(): OpenMesh | null;
  /** As `now`, once that is found out. Starts nothing. */
  known(): Promise<OpenMesh | null>;
  /** For who wants to add a device, or to be added. */
  start(): Promise<OpenMesh>;
  close(): Promise<void>;
};

export function createOthers(parts: {
  readonly home: string;
  readonly open: () => Promise<OpenMesh>;
  readonly onTrouble: (cause: unknown) => void;
}): Others & { resume(): void } {
  let opening: Promise<OpenMesh> | null = null;
  let opened: OpenMesh | null = null;

  function start(): Promise<OpenMesh> {
    opening ??= parts.open().then(
      (made) => {
        // Kept now, as once the device was up: one that is killed would compile all of it again with each start.
        flushCompileCache();
        return (opened = made);
      },
      (error: unknown) => {
        opening = null;
        throw error;
      },
    );
    return opening;
  }

  return {
    now: () => opened,
    known: async () => opening,
    start,
    /** Finds the others again, if there were any when the device stopped. */
    resume() {
      if (existsSync(join(parts.home, USER_LOG))) start().catch(parts.onTrouble);
    },
    async close() {
      const made = await opening?.catch(() => null);
      await made?.close();
    },
  };
}
