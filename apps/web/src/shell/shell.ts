/** Everything a part of the page may need, handed down once by `main.tsx`. */
import type { Client } from '@markco/client';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ReadonlySignal } from '@preact/signals';
import type { Away } from '../away/away.ts';
import type { Guest } from '../guest/guest.ts';
import type { SaveStatus } from '../status/save-status.ts';
import type { CommandRegistry } from '../commands/registry.ts';
import type { DocumentActions } from '../workspace/document-actions.ts';
import type { ProjectActions } from '../workspace/project-actions.ts';
import type { Editors } from '../document/editors.ts';
import type { Places } from '../placing/places.ts';
import type { Search } from '../panels/search.ts';
import type { Router } from '../router/router.ts';
import type { Toasts } from '../ui/toasts.tsx';
import type { View } from './view.ts';
import type { Workspace } from '../workspace/workspace.ts';

export type Shell = {
  readonly client: Client;
  /** Whoever came by a share link; `undefined` for the person whose page it is. */
  readonly guest: Guest | undefined;
  readonly workspace: Workspace;
  readonly router: Router;
  readonly view: View;
  readonly toasts: Toasts;
  readonly commands: CommandRegistry;
  readonly documents: DocumentActions;
  readonly projects: ProjectActions;
  readonly search: Search;
  readonly away: Away;
  readonly places: Places;
  readonly editors: Editors;
  /** Of the document in view; `undefined` where there is none. */
  readonly saveStatus: ReadonlySignal<SaveStatus | undefined>;
  /** Drops what this browser keeps, but for what nobody else has yet. */
  leave(): Promise<void>;
  /** Unix milliseconds. */
  now(): number;
  /** What is read to those who listen to the screen. */
  readonly heard: ReadonlySignal<string>;
};

export const ShellContext = createContext<Shell | undefined>(undefined);

export function useShell(): Shell {
  const shell = useContext(ShellContext);
  if (shell === undefined) throw new Error('This part of the page is outside the shell.');
  return shell;
}
