/** Gives every key press to the commands first, so that Ctrl+P is the page's also while one writes. */
import type { CommandRegistry } from '../commands/registry.ts';

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));
}

export function listenToKeys(window: Window, commands: CommandRegistry): void {
  window.addEventListener(
    'keydown',
    (event) => {
      if (event.isComposing || event.repeat) return;
      const inDialog = window.document.querySelector('dialog[open]') !== null;
      const command = commands.find(event, isTyping(event.target));
      if (command === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      if (!inDialog) command.run();
    },
    { capture: true },
  );
}
