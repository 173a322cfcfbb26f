/** What a session is made of. */
import type { RunId } from '@markco/protocol';
import type { RuntimeDescriptor } from './runtime.ts';
import type { Workplace } from './workplace.ts';

export type SessionLog = {
  info(event: string, fields: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields: Readonly<Record<string, unknown>>): void;
};

export type SessionParts = {
  readonly descriptor: RuntimeDescriptor;
  readonly place: Workplace;
  readonly now: () => number;
  readonly log: SessionLog;
  /** The spool of a run has grown. */
  onSpooled(run: RunId): void;
  onChange(): void;
};
