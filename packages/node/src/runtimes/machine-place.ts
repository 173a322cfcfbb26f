/** A session's worker beside this program, on the machine itself. */
import { beginWorker, type BeginParts } from './begin-worker.ts';
import { readLastWords } from './last-words.ts';
import type { SessionLimits } from './limits/limits.ts';
import { findProcess } from './process-table.ts';
import type { SessionPlace } from './runtime.ts';
import { connectWorker } from './worker-link.ts';
import type { Workplace } from './workplace.ts';

export function machinePlace(place: SessionPlace, parts: BeginParts & { readonly limits: SessionLimits }): Workplace {
  return {
    hold: parts.hold,
    limits: parts.limits,
    // The disk is its owner's.
    full: () => null,
    begin: (config, signal) => beginWorker(place, config, parts, signal),
    openLink: (onEvent, signal) => connectWorker(place.socket, onEvent, signal),
    find: findProcess,
    kill: parts.kill,
    pathFor: (_name, file) => file,
    collect: () => undefined,
    give: async (_name, file) => file,
    lastWords: (beside) => readLastWords(place.folder, beside),
    clear: async () => undefined,
  };
}
