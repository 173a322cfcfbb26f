/** Once the list is closed: what was decided last is said, and can be taken back for a while, one after another. */
import { effect } from '@preact/signals';
import type { Toast, Toasts } from '../ui/toasts.tsx';
import { g } from './messages.ts';
import type { Decision, Suggestions } from './suggestions.ts';

export function createAfterwards(suggestions: Pick<Suggestions, 'last' | 'undo'>, toasts: Toasts) {
  let before: Decision | undefined;
  let offered: { readonly decision: Decision; readonly action: Toast['action'] } | undefined;

  function withdraw(): void {
    const action = offered?.action;
    offered = undefined;
    const shown = action === undefined ? undefined : toasts.shown.peek().find((each) => each.action === action);
    if (shown !== undefined) toasts.close(shown.id);
  }

  function offer(): void {
    const decision = suggestions.last.peek();
    if (decision === undefined || decision === before) return;
    const action = {
      label: g('undo'),
      run() {
        suggestions.undo();
        offer();
      },
    };
    offered = { decision, action };
    toasts.say(g(decision.kind, { count: decision.count }), action);
  }

  // What was undone elsewhere is not offered any more.
  const stop = effect(() => {
    if (suggestions.last.value !== offered?.decision) withdraw();
  });

  return {
    /** What was decided until now is offered no more. */
    begin(): void {
      before = suggestions.last.peek();
      withdraw();
    },
    offer,
    close(): void {
      stop();
      withdraw();
    },
  };
}
