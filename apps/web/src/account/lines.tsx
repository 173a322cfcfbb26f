/** What the parts of the account's dialog are made of: a line each, and the button that takes it away. */
import type { ComponentChildren } from 'preact';
import type { AccountFacts, AccountHere } from './account.ts';
import { a } from './messages.ts';

type LineProps = { readonly name: string; readonly facts: string; readonly children?: ComponentChildren };

export function Line({ name, facts, children }: LineProps) {
  return (
    <li class="device">
      <div class="device-what">
        <strong>{name}</strong>
        {facts !== '' && <span class="device-facts">{facts}</span>}
      </div>
      {children}
    </li>
  );
}

export type PartProps = { readonly account: AccountHere; readonly facts: AccountFacts };

export function Remove({
  name,
  label,
  run,
  busy,
}: {
  name: string;
  label: 'remove' | 'end';
  run: () => void;
  busy: boolean;
}) {
  return (
    <button
      class="button"
      type="button"
      disabled={busy}
      aria-label={a(label === 'end' ? 'endNamed' : 'removeNamed', { name })}
      onClick={run}
    >
      {a(label)}
    </button>
  );
}
