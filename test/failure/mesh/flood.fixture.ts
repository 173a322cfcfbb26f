/** What the program of `flooders.fixture.ts` is told to do, and what it tells. */
import type { DocumentId } from '@markco/protocol';

export const FLOODS = ['repeats', 'gaps', 'noise', 'questions', 'control'] as const;
export type Flood = (typeof FLOODS)[number];
export type Order =
  | { readonly order: 'join'; readonly link: string; readonly flood: Flood }
  | { readonly order: 'flood'; readonly documentId: DocumentId; readonly forMs: number }
  | { readonly order: 'end' };
export type Told = { readonly told: 'joined' } | { readonly told: 'flooded'; readonly floods: readonly Flooded[] };
export type Flooded = {
  readonly flood: Flood;
  readonly bytes: number;
  readonly messages: number;
  /** Milliseconds from its first message until it was cut off; null when it never was. */
  readonly cutAfterMs: number | null;
  /** Connections that it was given after that. */
  readonly letInAgain: number;
};
