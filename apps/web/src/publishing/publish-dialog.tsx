/** The inside of the dialog of publishing: where a project is public, what of it is kept back, and how to take it back. */
import type { ProjectId, Publication } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { dayName } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Wait } from '../ui/wait.tsx';
import { w } from './messages.ts';
import { createPublishing, isAddress, type Publishing } from './publishing.ts';
import '../devices/devices.css';
import './publishing.css';

/** Of more pages that are left out the number is said. */
const NAMED_MAX = 20;

type Project = { readonly id: ProjectId; readonly displayName: string; readonly slug: string };
type Public = Extract<Publication, { readonly state: 'public' }>;
type Props = { readonly project: Project; readonly publishing: Publishing };

function NotPublic({ project, publishing, known }: Props & { readonly known: string | undefined }) {
  const { toasts } = useShell();
  const name = useSignal('');
  const busy = publishing.busy.value;
  const publish = async (): Promise<void> => {
    const userName = name.peek().trim().toLowerCase();
    if (await publishing.publish(known === undefined ? { userName } : {}))
      toasts.say(w('public', { name: project.displayName }));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void publish();
      }}
    >
      <p>{w('none', { name: project.displayName })}</p>
      {known === undefined && (
        <label>
          {w('userName')}
          <input
            class="field"
            type="text"
            required
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            maxLength={39}
            value={name.value}
            onInput={(event) => (name.value = event.currentTarget.value)}
          />
        </label>
      )}
      <p class="hint">
        {w('userNameHint', { name: known ?? (name.value.trim().toLowerCase() || w('you')), slug: project.slug })}
      </p>
      <footer>
        <button class="button primary" type="submit" disabled={busy}>
          {w(busy ? 'publishing' : 'publish')}
        </button>
      </footer>
    </form>
  );
}

function Held({ publishing, held }: { readonly publishing: Publishing; readonly held: Public['held'] }) {
  if (held.length === 0) return null;
  return (
    <section aria-label={w('held')}>
      <h3>{w('held')}</h3>
      <p class="hint">{w('heldHint')}</p>
      <ul>
        {held.map(({ path, line, kind, id }) => (
          <li key={`${path} ${id}`} class="device">
            <span class="device-what">{w('heldLine', { path, line, kind })}</span>
            <button
              class="button"
              type="button"
              disabled={publishing.busy.value}
              aria-label={w('allowNamed', { path, line })}
              onClick={() => void publishing.publish({ allow: id })}
            >
              {w('allow')}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function IsPublic({ project, publishing, now: is }: Props & { readonly now: Public }) {
  const { now, toasts } = useShell();
  const { url, pages, since, update, held, leftOut } = is;
  const busy = publishing.busy.value;
  const day = dayName(since, now());
  const said = pages === 0 ? w('noPage') : pages === 1 ? w('onePage', { day }) : w('pages', { count: pages, day });
  const rest = leftOut.length - NAMED_MAX;
  const takeBack = async (): Promise<void> => {
    if (await publishing.takeBack()) toasts.say(w('takenBack', { name: project.displayName }));
  };
  return (
    <>
      <p role="status">{said}</p>
      <div class="published-at">
        <input
          class="field"
          type="text"
          readOnly
          aria-label={w('address')}
          value={url}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button
          class="button"
          type="button"
          onClick={() => void navigator.clipboard?.writeText(url).then(() => toasts.say(w('copied')))}
        >
          {w('copy')}
        </button>
        {isAddress(url) && (
          <a class="button" href={url} target="_blank" rel="noopener noreferrer">
            {w('open')}
          </a>
        )}
      </div>
      <label class="published-follows">
        <input
          type="checkbox"
          checked={update === 'saved'}
          disabled={busy}
          onChange={(event) => void publishing.publish({ update: event.currentTarget.checked ? 'saved' : 'asked' })}
        />
        {w('follows')}
      </label>
      {update === 'asked' && (
        <>
          <p class="hint">{w('stays')}</p>
          <button class="button" type="button" disabled={busy} onClick={() => void publishing.publish({})}>
            {w(busy ? 'publishing' : 'publishAgain')}
          </button>
        </>
      )}
      <Held publishing={publishing} held={held} />
      {leftOut.length > 0 && (
        <section aria-label={w('leftOut')}>
          <h3>{w('leftOut')}</h3>
          <ul>
            {leftOut.slice(0, NAMED_MAX).map(({ path, why }) => (
              <li key={path} class="device">
                <span class="device-what">
                  {path} <span class="device-facts">{why}</span>
                </span>
              </li>
            ))}
          </ul>
          {rest > 0 && <p class="hint">{w('leftOutMore', { count: rest })}</p>}
        </section>
      )}
      <footer>
        <button class="button danger" type="button" disabled={busy} onClick={() => void takeBack()}>
          {w('takeBack')}
        </button>
      </footer>
    </>
  );
}

export function PublishDialog({ project }: { readonly project: Project }) {
  const { client } = useShell();
  const publishing = useMemo(() => createPublishing(client.api, project.id), [project.id]);
  useEffect(() => void publishing.read(), [publishing]);
  const known = publishing.publication.value;
  const trouble = publishing.trouble.value;
  return (
    <div class="devices publishing" tabIndex={-1}>
      {trouble !== '' && <p role="alert">{trouble}</p>}
      {known === undefined && trouble === '' && <Wait step={w('reading')} />}
      {known === undefined && trouble !== '' && (
        <button class="button" type="button" onClick={() => void publishing.read()}>
          {w('again')}
        </button>
      )}
      {known?.state === 'none' && <NotPublic project={project} publishing={publishing} known={known.userName} />}
      {known?.state === 'public' && <IsPublic project={project} publishing={publishing} now={known} />}
    </div>
  );
}
