/**
 * What takes more than being signed in: whoever asks has shown within the last five minutes that it is them. So a browser
 * that was left open brings in nobody, and takes nothing away for ever.
 */
import { Failure, type Person } from '@markco/protocol';
import type { Sessions } from './sessions.ts';

export type RequireFresh = (person: Person) => void;

/** Throws `confirm_first`. The token of the cloud comes with each request, so it is shown each time. */
export function createStepUp(sessions: Pick<Sessions, 'isFresh'>): RequireFresh {
  return ({ session, device }) => {
    if (device !== undefined)
      throw new Failure('forbidden', 'A device may not do this. Do it where you are signed in.');
    if (session === undefined || sessions.isFresh(session)) return;
    throw new Failure(
      'confirm_first',
      'You signed in more than five minutes ago, so show first that it is you: use a passkey, or sign in again. Then do this again. Nothing was changed.',
    );
  };
}
