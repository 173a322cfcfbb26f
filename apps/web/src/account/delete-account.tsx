/** The end of an account: what goes and what stays, and its name to be typed before it does. */
import { useSignal } from '@preact/signals';
import { useShell } from '../shell/shell.ts';
import { noteDeleted } from './came-back.ts';
import type { PartProps } from './lines.tsx';
import { a } from './messages.ts';
import { setPublicComputer } from './public-computer.ts';

export function DeleteAccount({ account, facts }: PartProps) {
  const { leave } = useShell();
  const typed = useSignal('');
  const goes = account.goes.value;
  const { name } = facts.account;
  const isTyped = typed.value.trim() === name.trim();
  async function remove(): Promise<void> {
    if (!(await account.deleteAccount(typed.peek()))) return;
    // Nothing of it stays in this browser either.
    await leave().catch(() => undefined);
    setPublicComputer(localStorage, false);
    noteDeleted(sessionStorage);
    location.replace('/');
  }
  return (
    <section aria-label={a('delete')}>
      <h3>{a('delete')}</h3>
      {goes === undefined ? (
        <div class="device-ways">
          <button
            class="button danger"
            type="button"
            disabled={account.busy.value}
            onClick={() => void account.askWhatGoes()}
          >
            {a('delete')}
          </button>
        </div>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (isTyped) void remove();
          }}
        >
          <p>{a('deleteText', goes)}</p>
          <p>{a('deleteStays')}</p>
          <label for="delete-name">{a('deleteType', { name })}</label>
          <div class="invite">
            <input
              id="delete-name"
              class="field"
              type="text"
              autocomplete="off"
              spellcheck={false}
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
            />
            <button class="button danger" type="submit" disabled={account.busy.value || !isTyped}>
              {a('deleteNow')}
            </button>
            <button class="button" type="button" onClick={account.keepAccount}>
              {a('cancel')}
            </button>
          </div>
        </form>
      )}
    </section>
  );
}
