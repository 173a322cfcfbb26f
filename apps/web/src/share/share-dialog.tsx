/** The inside of the dialog of links: one is made, copied once, and those there are can be revoked. */
import type { Document, ProjectHere, Share, ShareRole } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { dayName, timeOfDay } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { readerTitle } from '../tree/reader-title.ts';
import { Wait } from '../ui/wait.tsx';
import { s } from './messages.ts';
import { createShares, type SharesHere } from './shares.ts';
import '../devices/devices.css';
import './share.css';

const HOUR_MS = 3_600_000;
const TIMES = {
  revoked: undefined,
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 168 * HOUR_MS,
  month: 720 * HOUR_MS,
} as const;
type Time = keyof typeof TIMES;
const ROLES = ['view', 'suggest', 'edit'] as const satisfies readonly ShareRole[];

type ChoiceProps<K extends string> = {
  readonly label: string;
  readonly value: K;
  readonly options: readonly (readonly [K, string])[];
  readonly choose: (key: K) => void;
};

function Choice<K extends string>({ label, value, options, choose }: ChoiceProps<K>) {
  return (
    <label class="share-choice">
      <span>{label}</span>
      <select class="field" value={value} onChange={(event) => choose(event.currentTarget.value as K)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

type NewLinkProps = {
  readonly shares: SharesHere;
  readonly project: ProjectHere;
  readonly document: Document | undefined;
};

function NewLink({ shares, project, document }: NewLinkProps) {
  const { toasts } = useShell();
  const what = useSignal<'page' | 'project'>(document === undefined ? 'project' : 'page');
  const role = useSignal<(typeof ROLES)[number]>('view');
  const until = useSignal<Time>('revoked');
  const made = shares.made.value;
  const submit = (): void => {
    const lastsMs = TIMES[until.peek()];
    const isPage = what.peek() === 'page' && document !== undefined;
    void shares.make(project.id, {
      role: role.peek(),
      ...(isPage ? { documentId: document.id } : {}),
      ...(lastsMs === undefined ? {} : { lastsMs }),
    });
  };
  return (
    <section aria-label={s('newLink')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Choice
          label={s('what')}
          value={what.value}
          options={[
            ...(document === undefined ? [] : [['page', s('thisPage', { name: readerTitle(document) })] as const]),
            ['project', s('wholeProject', { name: project.displayName })],
          ]}
          choose={(key) => {
            what.value = key;
            if (key === 'project' && role.peek() === 'suggest') role.value = 'view';
          }}
        />
        <Choice
          label={s('may')}
          value={role.value}
          options={ROLES.filter((key) => key !== 'suggest' || what.value === 'page').map(
            (key) => [key, s(key)] as const,
          )}
          choose={(key) => (role.value = key)}
        />
        <Choice
          label={s('until')}
          value={until.value}
          options={(Object.keys(TIMES) as Time[]).map((key) => [key, s(key)] as const)}
          choose={(key) => (until.value = key)}
        />
        <p class="hint">{role.value === 'suggest' ? s('copyHint') : s('noRuns')}</p>
        <div class="device-ways">
          <button class="button primary" type="submit" disabled={shares.busy.value}>
            {s('make')}
          </button>
        </div>
      </form>
      {made !== undefined && (
        <div role="status">
          <p>{s('made')}</p>
          <div class="share-made">
            <input
              class="field"
              type="text"
              readOnly
              aria-label={s('link')}
              value={made}
              onFocus={(event) => event.currentTarget.select()}
            />
            <button
              class="button"
              type="button"
              onClick={() => void navigator.clipboard?.writeText(made).then(() => toasts.say(s('copied')))}
            >
              {s('copy')}
            </button>
          </div>
        </div>
      )}
    </section>
  );
}

function nameOf({ documentId, path, project }: Share): string {
  if (documentId === undefined) return s('project', { project });
  return path === undefined ? s('deleted', { project }) : s('page', { page: path, project });
}

function Links({ shares }: { readonly shares: SharesHere }) {
  const { now, toasts } = useShell();
  const list = shares.list.value;
  const revoke = async (share: Share): Promise<void> => {
    if (await shares.revoke(share.id)) toasts.say(s('revokedNow', { name: nameOf(share) }));
  };
  if (list === undefined)
    return shares.trouble.value === '' ? (
      <Wait step={s('reading')} />
    ) : (
      <button class="button" type="button" onClick={() => void shares.read()}>
        {s('readAgain')}
      </button>
    );
  return (
    <section aria-label={s('links')}>
      <h3>{s('links')}</h3>
      {list.length === 0 && <p class="hint">{s('none')}</p>}
      <ul>
        {list.map((share) => (
          <li key={share.id} class="device">
            <div class="device-what">
              <strong>{nameOf(share)}</strong>
              <span class="device-facts">
                {[
                  s(share.role),
                  ...(share.copyPath === undefined ? [] : [s('inCopy', { copy: share.copyPath })]),
                  share.endsAt === undefined
                    ? s('forever')
                    : s('ends', { day: dayName(share.endsAt, now()), time: timeOfDay(share.endsAt) }),
                  share.guests === 0 ? s('unopened') : s('guests', { count: share.guests }),
                ].join(' · ')}
              </span>
            </div>
            <button
              class="button"
              type="button"
              disabled={shares.busy.value}
              aria-label={s('revokeNamed', { name: nameOf(share) })}
              onClick={() => void revoke(share)}
            >
              {s('revoke')}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function ShareDialog() {
  const { client, workspace } = useShell();
  const shares = useMemo(() => createShares(client.api), []);
  useEffect(() => void shares.read(), []);
  const project = workspace.project.value;
  return (
    <div class="devices share" tabIndex={-1}>
      {shares.trouble.value !== '' && (
        <p class="trouble" role="alert">
          {shares.trouble.value}
        </p>
      )}
      {project !== undefined && <NewLink shares={shares} project={project} document={workspace.document.value} />}
      <Links shares={shares} />
    </div>
  );
}
