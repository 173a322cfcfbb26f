/** What a guest sees whose link leads nowhere: it was revoked, its time is over, or it never was one. */
import { dayName, timeOfDay } from '../i18n/words.ts';
import type { Guest } from './guest.ts';
import { g } from './messages.ts';
import './guest.css';

/** Of a link that was never entered, with why. */
export function NoLink({ why }: { readonly why: string }) {
  return (
    <main class="home sign-in">
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>{g('notThere')}</h1>
      <p role="alert">{why}</p>
    </main>
  );
}

export type LinkOverProps = {
  readonly guest: Guest;
  readonly now: number;
  /** The text of the page, where something of it was not saved. */
  readonly unsaved: string | undefined;
};

export function LinkOver({ guest: { endsAt }, now, unsaved }: LinkOverProps) {
  const isOver = endsAt !== undefined && Date.parse(endsAt) <= now;
  return (
    <main class="home sign-in">
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>{g('linkOver')}</h1>
      <p role="alert">
        {isOver ? g('linkEnded', { time: timeOfDay(endsAt), day: dayName(endsAt, now) }) : g('linkRevoked')}
      </p>
      {unsaved !== undefined && (
        <>
          <p>{g('notSaved')}</p>
          <textarea class="field unsaved" readOnly rows={12} aria-label={g('whole')} value={unsaved} />
        </>
      )}
    </main>
  );
}
