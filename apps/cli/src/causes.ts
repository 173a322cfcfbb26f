/** Why something failed, in the words of what failed below it. */
import type { Failure } from '@markco/protocol';

/** A chain longer than this is a loop, or nothing that anybody reads. */
const CAUSES_MAX = 4;

/** The messages of an error's causes, the nearest first; none twice. */
export function causesOf(error: Failure): readonly string[] {
  const reasons: string[] = [];
  for (let cause = error.cause; cause !== undefined && reasons.length < CAUSES_MAX;) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (reason !== '' && reason !== error.message && !reasons.includes(reason)) reasons.push(reason);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return reasons;
}
