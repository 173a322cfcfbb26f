/**
 * Every command of the page, in one list: the palette shows it, the shortcut sheet shows it, the keyboard runs it.
 * The editor brings its own commands, which come and go with the document in view.
 */
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import { matches, NEVER_TAKEN, type KeyPress } from './keys.ts';

export type CommandGroup = 'go' | 'document' | 'run' | 'view' | 'project';

export type Command = {
  readonly id: string;
  readonly group: CommandGroup;
  readonly title: () => string;
  /** The first is the one shown. */
  readonly keys: readonly string[];
  /** `page`: the page listens for its keys. `editor`: the editor does, the list only shows them. */
  readonly keysBelongTo: 'page' | 'editor';
  /** A bare sign such as `?` must not be taken from somebody who types. */
  readonly whileTyping: boolean;
  readonly available: () => boolean;
  readonly run: () => void;
};

export type CommandRegistry = {
  readonly all: ReadonlySignal<readonly Command[]>;
  /** Fails when an id or a key is there twice, or a key is the browser's. Returns how to take them away again. */
  add(commands: readonly Command[]): () => void;
  /** The command of this key press that may run now. */
  find(press: KeyPress, typing: boolean): Command | undefined;
};

export function createCommandRegistry(options: { readonly apple: boolean }): CommandRegistry {
  const sets = signal<readonly (readonly Command[])[]>([]);
  const all = computed(() => sets.value.flat());
  return {
    all,
    add(commands) {
      const ids = new Set(all.peek().map((command) => command.id));
      const keys = new Set(all.peek().flatMap((command) => (command.keysBelongTo === 'page' ? command.keys : [])));
      for (const command of commands) {
        if (ids.has(command.id)) throw new Error(`There are two commands called ${command.id}.`);
        ids.add(command.id);
        for (const key of command.keys) {
          if (NEVER_TAKEN.some((taken) => taken === key)) throw new Error(`${key} belongs to the browser.`);
          if (command.keysBelongTo !== 'page') continue;
          if (keys.has(key)) throw new Error(`Two commands want ${key}; one is ${command.id}.`);
          keys.add(key);
        }
      }
      sets.value = [...sets.peek(), commands];
      return () => {
        sets.value = sets.peek().filter((set) => set !== commands);
      };
    },
    find: (press, typing) =>
      all
        .peek()
        .find(
          (command) =>
            command.keysBelongTo === 'page' &&
            (command.whileTyping || !typing) &&
            command.keys.some((key) => matches(key, press, options.apple)) &&
            command.available(),
        ),
  };
}
