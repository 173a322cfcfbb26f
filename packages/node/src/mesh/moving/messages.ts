/**
 * What two devices say when a session moves, on a stream of `/markco/move/1.0.0` that the device opens which was asked to
 * move it. It has one with the device that has the session, and one with that which is to have it; one of the two may be
 * itself.
 *
 *   {op: 'leave', session, wait}             ◄─ Packed            it stands still from now on, until the stream ends
 *   {op: 'part'}                             ◄─ bytes             of its values, in order
 *   {op: 'left'}                             ◄─ {op: 'done'}      it has ended there
 *
 *   {op: 'take', packed, source, replace, grant}   ◄─ {op: 'ready'}
 *   bytes                                    ◄─ {op: 'ready'}, after the last {op: 'taken', session}
 *   {op: 'keep'}                             ◄─ {op: 'done'}      without this it goes when the stream ends
 *
 * A question may be answered with {op: 'failed', code, message}.
 */
import {
  Failure,
  LanguageSchema,
  ProjectIdSchema,
  RuntimeSessionSchema,
  SessionIdSchema,
  type SessionConfig,
} from '@markco/protocol';
import * as z from 'zod/mini';
import type { Said } from './conversation.ts';

export const MOVE = '/markco/move/1.0.0';
/** Parts are smaller. */
export const MOVE_MESSAGE_BYTES_MAX = 512 * 1024;

const count = z.int().check(z.nonnegative());
const text = z.string().check(z.maxLength(4_096));
const wish = z.nullable(text);

export const PackedSchema = z.strictObject({
  projectId: ProjectIdSchema,
  language: LanguageSchema,
  name: z.string().check(z.minLength(1), z.maxLength(100)),
  config: z.nullable(
    z.strictObject({
      path: wish,
      venv: wish,
      cwd: wish,
      name: wish,
      kernel: wish,
    }) satisfies z.ZodMiniType<SessionConfig>,
  ),
  bytes: count,
  hash: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  kept: count,
  lost: z.array(text).check(z.maxLength(100)),
  lostCount: count,
});

export const QuestionSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('leave'), session: SessionIdSchema, wait: z.boolean() }),
  z.strictObject({ op: z.literal('part') }),
  z.strictObject({ op: z.literal('left') }),
  z.strictObject({
    op: z.literal('take'),
    packed: PackedSchema,
    /** What the device is called that has it. */
    source: z.string().check(z.maxLength(100)),
    replace: z.boolean(),
    /** Values may be code: to take them is to run something of the device that asks. */
    grant: text,
  }),
  z.strictObject({ op: z.literal('keep') }),
]);

export const TakenSchema = z.object({ op: z.literal('taken'), session: RuntimeSessionSchema });

/** What a grant to bring values is given for, in the place of code. */
export const codeOfValues = (hash: string): string => `values sha256:${hash}`;

export function read<T extends z.ZodMiniType>(schema: T, said: Said): z.infer<T> {
  const parsed = schema.safeParse(said);
  if (parsed.success) return parsed.data;
  throw new Failure('bad_request', 'The other device said what is not understood. Upgrade the older of the two.');
}
