/** The editor's commands, as entries of the page's list. Its keys stay its own. */
import type { Command, CommandGroup } from '../commands/registry.ts';
import type { EditorHandle, EditorParts } from '../editor/index.ts';

const running = /run|interrupt|restart|cell|output/i;

/** @param runs whether cells may be run from here */
export function editorCommands(editor: EditorHandle, t: EditorParts['t'], runs: boolean): readonly Command[] {
  const offered = editor.commands.filter(({ title }) => runs || !running.test(title));
  return offered.map((command) => ({
    id: `editor.${command.id}`,
    group: (running.test(command.title) ? 'run' : 'document') satisfies CommandGroup,
    title: () => t(command.title),
    keys: command.key === '' ? [] : [command.key],
    keysBelongTo: 'editor',
    whileTyping: true,
    available: () => true,
    run: () => {
      editor.focus();
      command.run();
    },
  }));
}
