/** Find in project, in the sidebar: hits by document; a press opens the document at the match; Escape goes back to writing. */
import type { SearchHit } from '@markco/protocol';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Icon } from '../ui/icon.tsx';
import { Wait } from '../ui/wait.tsx';
import { groupHits, type SearchOptions } from './search.ts';

function HitLine({ hit }: { readonly hit: SearchHit }) {
  const before = hit.text.slice(0, hit.column);
  const match = hit.text.slice(hit.column, hit.column + hit.length);
  return (
    <>
      <span class="hit-before">{before.trimStart().slice(-24)}</span>
      <mark>{match}</mark>
      {hit.text.slice(hit.column + hit.length)}
    </>
  );
}

export function SearchPanel() {
  const { search, workspace, view, router, editors } = useShell();
  const list = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  // Before the next key press, so that no letter goes astray.
  useLayoutEffect(() => field.current?.select(), []);
  const state = search.state.value;
  const options = search.options.value;
  const hits = state.kind === 'asking' || state.kind === 'found' ? state.hits : [];
  const groups = useMemo(() => groupHits(hits), [hits]);
  const project = workspace.project.value;

  const ask = (query: string, how: SearchOptions = options): void => {
    if (project !== undefined) search.ask(project.id, query, how);
  };
  const leave = (): void => {
    view.sidebarMode.value = 'files';
    if (view.narrow.peek()) view.sidebar.value = false;
    editors.editor.peek()?.focus();
  };
  const open = (hit: SearchHit): void => {
    if (project === undefined) return;
    view.jump.value = { documentId: hit.documentId, offset: hit.offset, length: hit.length };
    router.go({ at: 'document', slug: project.slug, path: hit.path });
    if (view.narrow.peek()) view.sidebar.value = false;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.preventDefault();
      leave();
      return;
    }
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>('.hit') ?? [])];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const next = buttons[at + (event.key === 'ArrowDown' ? 1 : -1)];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };

  return (
    <div class="search" role="search" onKeyDown={onKeyDown}>
      <div class="search-line">
        <input
          class="field"
          ref={field}
          type="search"
          placeholder={t('findInProject')}
          aria-label={t('findInProject')}
          value={search.query.value}
          onInput={(event) => ask(event.currentTarget.value)}
        />
        <button
          class="icon-button"
          type="button"
          aria-label={t('backToFiles')}
          title={t('backToFiles')}
          onClick={leave}
        >
          <Icon name="close" />
        </button>
      </div>
      <div class="search-options">
        <label>
          <input
            type="checkbox"
            checked={options.caseSensitive}
            onChange={(event) => ask(search.query.peek(), { ...options, caseSensitive: event.currentTarget.checked })}
          />
          {t('matchCase')}
        </label>
        <label>
          <input
            type="checkbox"
            checked={options.regex}
            onChange={(event) => ask(search.query.peek(), { ...options, regex: event.currentTarget.checked })}
          />
          {t('regularExpression')}
        </label>
      </div>
      <p class="search-count" role="status">
        {state.kind === 'found' &&
          (state.hits.length === 0
            ? t('noHits', { count: state.searched })
            : t(state.truncated ? 'firstHits' : 'hitsFound', { count: state.hits.length, documents: groups.length }))}
        {state.kind === 'failed' && <span class="trouble">{state.message}</span>}
      </p>
      {state.kind === 'asking' && hits.length === 0 && <Wait step={t('searching')} />}
      <div ref={list} class="hits">
        {groups.map((group) => (
          <section key={group.documentId} aria-label={group.title}>
            <h3 title={group.path}>
              {group.title} <span class="count">{group.hits.length}</span>
            </h3>
            {group.hits.map((hit) => (
              <button key={hit.offset} type="button" class="hit" onClick={() => open(hit)}>
                <HitLine hit={hit} />
              </button>
            ))}
          </section>
        ))}
      </div>
    </div>
  );
}
