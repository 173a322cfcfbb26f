/** The variables of the session that runs this document's code: what each is, what it holds, and what is inside it. */
import { runMachine, type Document, type SessionHere, type Variable } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import type { CellPlace } from '../editor/index.ts';
import { sessionOf } from '../live/live.ts';
import { useShell } from '../shell/shell.ts';
import { Icon } from '../ui/icon.tsx';
import { Wait } from '../ui/wait.tsx';
import { createVariables, keyOf, type Listing, type Variables } from './variables.ts';
import './variables.css';

/** Drawn at once; the filter finds the others. */
const ROWS_MAX = 300;

type RowsProps = {
  readonly variables: Variables;
  readonly listing: Listing;
  readonly path: readonly string[];
  readonly filter: string;
};

function shapeOf({ shape, length, dtype }: Variable): string {
  const size = shape !== undefined ? shape.join(' × ') : length !== undefined ? String(length) : '';
  return [size, dtype].filter(Boolean).join(' ');
}

function Row({ variables, variable, path }: { variables: Variables; variable: Variable; path: readonly string[] }) {
  const inside = variables.opened.value.get(keyOf(path));
  const facts = [variable.type, shapeOf(variable), variable.size].filter((fact) => fact !== undefined && fact !== '');
  const words = (
    <>
      <span class="variable-name">{variable.name}</span>
      <span class="variable-type">{facts.join(' · ')}</span>
      <span class="variable-value">{variable.value}</span>
    </>
  );
  return (
    <li>
      {variable.expandable ? (
        <button
          type="button"
          class="variable"
          aria-expanded={inside !== undefined}
          onClick={() => variables.toggle(path)}
        >
          <span class={`tree-mark${inside === undefined ? '' : ' open'}`}>
            <Icon name="chevron" />
          </span>
          {words}
        </button>
      ) : (
        <div class="variable" tabIndex={-1}>
          <span class="tree-mark" />
          {words}
        </div>
      )}
      {inside !== undefined && <Rows variables={variables} listing={inside} path={path} filter="" />}
    </li>
  );
}

function Rows({ variables, listing, path, filter }: RowsProps) {
  if (listing.kind === 'asking') return <Wait step={t('readingVariables')} />;
  if (listing.kind === 'unsupported') return <p class="empty">{t('variablesUntold')}</p>;
  if (listing.kind === 'failed') return <p class="empty trouble">{listing.message}</p>;
  const wanted = filter.trim().toLowerCase();
  const found = listing.variables.filter(({ name, type }) => `${name} ${type}`.toLowerCase().includes(wanted));
  if (listing.variables.length === 0)
    return <p class="empty">{t(path.length === 0 ? 'noVariables' : 'nothingInside')}</p>;
  if (found.length === 0) return <p class="empty">{t('nothingFits')}</p>;
  return (
    <>
      <ul class={path.length === 0 ? 'variables' : 'variables inside'}>
        {found.slice(0, ROWS_MAX).map((variable) => {
          const its = [...path, variable.name];
          return <Row key={variable.name} variables={variables} variable={variable} path={its} />;
        })}
      </ul>
      {(listing.more || found.length > ROWS_MAX) && <p class="variables-more">{t('moreVariables')}</p>}
    </>
  );
}

/** Up and down walk the rows, right opens one, left closes it. */
function walk(event: KeyboardEvent, list: HTMLElement | null): void {
  const rows = [...(list?.querySelectorAll<HTMLElement>('.variable') ?? [])];
  const at = rows.findIndex((row) => row === document.activeElement);
  if (at < 0) return;
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const opens = { ArrowRight: 'false', ArrowLeft: 'true' }[event.key];
  if (by !== undefined) rows[at + by]?.focus();
  else if (opens !== undefined && rows[at]?.getAttribute('aria-expanded') === opens) rows[at]?.click();
  else return;
  event.preventDefault();
}

function SessionVariables({ session, ran }: { readonly session: SessionHere; readonly ran: string }) {
  const { client } = useShell();
  const filter = useSignal('');
  const list = useRef<HTMLDivElement>(null);
  const variables = useMemo(() => createVariables(client.api, session.id), [session.id, session.startedAt]);
  useEffect(() => () => variables.close(), [variables]);
  useEffect(() => variables.refresh(), [variables, ran]);
  return (
    <div ref={list} onKeyDown={(event) => walk(event, list.current)}>
      <div class="search-line">
        <input
          class="field"
          type="search"
          placeholder={t('filterVariables')}
          aria-label={t('filterVariables')}
          value={filter.value}
          onInput={(event) => (filter.value = event.currentTarget.value)}
        />
        <button
          class="icon-button"
          type="button"
          title={t('refresh')}
          aria-label={t('refresh')}
          onClick={variables.refresh}
        >
          <Icon name="refresh" />
        </button>
      </div>
      <Rows variables={variables} listing={variables.list.value} path={[]} filter={filter.value} />
    </div>
  );
}

const keyOfPlace = ({ language, on }: CellPlace): string => `${language} ${on ?? ''}`;

export function VariablesPanel({ document }: { readonly document: Document }) {
  const { editors, workspace } = useShell();
  const chosen = useSignal<string | undefined>(undefined);
  useEffect(() => workspace.refreshSessions(), [document.id]);
  const runs = workspace.runs.value;
  // After the document was read anew, or a cell of it was run, there may be another place.
  const places = useMemo(
    () => editors.editor.value?.places() ?? [],
    [editors.editor.value, editors.outline.value, runs],
  );
  const place = places.find((one) => keyOfPlace(one) === chosen.value) ?? places[0];
  if (place === undefined) return <p class="empty">{t('noCells')}</p>;
  const session = sessionOf(
    { projectId: document.projectId, documentId: document.id, ...place },
    workspace.sessions.value,
    runs,
    workspace.host.value?.name,
  );
  const ended = runs.filter((run) => run.sessionId === session?.id && runMachine.isTerminal(run.state));
  const ran = ended.reduce((latest, run) => (run.id > latest ? run.id : latest), '');
  return (
    <div class="variables-panel">
      {places.length > 1 && (
        <div class="variables-languages" role="group" aria-label={t('language')}>
          {places.map((one) => (
            <button
              key={keyOfPlace(one)}
              class="quiet-button"
              type="button"
              aria-pressed={one === place}
              onClick={() => (chosen.value = keyOfPlace(one))}
            >
              {one.on === null ? one.language : `${one.language} · ${one.on}`}
            </button>
          ))}
        </div>
      )}
      {session?.state === 'running' ? (
        <SessionVariables session={session} ran={`${ran} ${ended.length}`} />
      ) : (
        <p class="empty">{t('notRunning', { language: place.language })}</p>
      )}
    </div>
  );
}
