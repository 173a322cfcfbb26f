/** What the page of a device asks for and a rendezvous has none of: runs, sessions, and where they could be. */
import { Failure } from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { StreamParts } from '@markco/replica/listen/stream';

const nobody = (): Failure =>
  new Failure(
    'not_ready',
    'This cloud runs no code, and can start none on your devices. Add this browser to them (under Devices): then it runs cells there itself.',
    {
      retryable: true,
    },
  );
const noRun = (): Failure => new Failure('not_found', 'There is no such run here.');

export const nobodyRuns: Pick<StreamParts, 'submit' | 'follow' | 'run' | 'answer' | 'cancel' | 'interrupt'> = {
  submit: () => Promise.reject(nobody()),
  follow() {
    throw noRun();
  },
  run: () => Promise.reject(noRun()),
  answer: () => Promise.reject(noRun()),
  cancel: () => Promise.reject(noRun()),
  interrupt: () => Promise.reject(noRun()),
};

export const nobodyRoutes: SomeHandlers<
  'runs' | 'run' | 'sessions' | 'submitRun' | 'placement' | 'devices' | 'projectsElsewhere' | 'preferences'
> = {
  runs: () => ({ runs: [] }),
  run() {
    throw noRun();
  },
  sessions: () => ({ sessions: [] }),
  submitRun() {
    throw nobody();
  },
  placement() {
    throw nobody();
  },
  devices: () => ({ devices: [] }),
  projectsElsewhere: () => ({ projects: [] }),
  preferences: () => ({ opensAll: false }),
};
