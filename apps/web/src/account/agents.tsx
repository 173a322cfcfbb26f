/** The part of the account's dialog about programs that take runs from this cloud. */
import { useSignal } from '@preact/signals';
import { dayName } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Line, Remove, type PartProps } from './lines.tsx';
import { a } from './messages.ts';

export function Agents({ account, facts }: PartProps) {
  const { now, toasts } = useShell();
  const typed = useSignal('');
  const made = account.madeAgent.value;
  const { agents, closed } = facts.agents;
  return (
    <section aria-label={a('agents')}>
      <h3>{a('agents')}</h3>
      <p class="hint">{closed ?? a('agentsHint')}</p>
      <ul>
        {agents.map(({ id, name, createdAt }) => (
          <Line key={id} name={name} facts={a('added', { day: dayName(createdAt, now()) })}>
            <Remove name={name} label="remove" busy={account.busy.value} run={() => void account.removeAgent(id)} />
          </Line>
        ))}
      </ul>
      {made !== undefined && (
        <>
          <p role="status">{a('agentToken', { name: made.name })}</p>
          <div class="invite">
            <input class="field" type="text" readOnly aria-label={a('agentToken', made)} value={made.token} />
            <button
              class="button"
              type="button"
              onClick={() => void navigator.clipboard?.writeText(made.token).then(() => toasts.say(a('copied')))}
            >
              {a('copy')}
            </button>
          </div>
        </>
      )}
      {closed === undefined && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void account.addAgent(typed.peek().trim()).then(() => (typed.value = ''));
          }}
        >
          <div class="invite">
            <input
              class="field"
              type="text"
              autocomplete="off"
              maxLength={100}
              aria-label={a('agentName')}
              placeholder={a('agentName')}
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
            />
            <button class="button" type="submit" disabled={account.busy.value || typed.value.trim() === ''}>
              {a('addAgent')}
            </button>
          </div>
        </form>
      )}
    </section>
  );
}
