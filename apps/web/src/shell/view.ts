/** What of the page is open just now: panels, dialogs, where to jump. Kept for the next visit only where a person would expect it. */
import type { DocumentId, Moment } from '@markco/protocol';
import { signal, type Signal } from '@preact/signals';

export type Overlay =
  | {
      readonly kind:
        | 'quick-open'
        | 'palette'
        | 'shortcuts'
        | 'open-folder'
        | 'devices'
        | 'account'
        | 'share'
        | 'publish'
        | 'more';
    }
  | {
      readonly kind: 'ask-path';
      readonly title: string;
      readonly hint: string;
      readonly initial: string;
      readonly submit: string;
      run(path: string): void;
    }
  | { readonly kind: 'confirm'; readonly title: string; readonly text: string; readonly submit: string; run(): void };

export type Jump = { readonly documentId: DocumentId; readonly offset: number; readonly length: number };
export type Preview = { readonly documentId: DocumentId; readonly moment: Moment };

export type Panel = 'outline' | 'history' | 'variables' | 'runs';

export type View = {
  readonly narrow: Signal<boolean>;
  readonly sidebar: Signal<boolean>;
  readonly sidebarWidth: Signal<number>;
  readonly sidebarMode: Signal<'files' | 'search'>;
  readonly panel: Signal<'none' | Panel>;
  readonly overlay: Signal<Overlay | undefined>;
  readonly fileNames: Signal<boolean>;
  readonly jump: Signal<Jump | undefined>;
  readonly preview: Signal<Preview | undefined>;
};

/** Below this width the sidebar is a drawer and the bar is at the bottom. */
const narrowQuery = '(max-width: 760px)';

export function createView(window: Window): View {
  const query = window.matchMedia(narrowQuery);
  const narrow = signal(query.matches);
  query.addEventListener('change', () => (narrow.value = query.matches));
  const kept = Number(window.localStorage.getItem('sidebar-width'));
  return {
    narrow,
    sidebar: signal(!query.matches),
    sidebarWidth: signal(kept >= 180 && kept <= 480 ? kept : 264),
    sidebarMode: signal('files'),
    panel: signal('none'),
    overlay: signal(undefined),
    fileNames: signal(false),
    jump: signal(undefined),
    preview: signal(undefined),
  };
}
