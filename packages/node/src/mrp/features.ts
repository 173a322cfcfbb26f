/** What a language can do, in the words of the runtime protocol. */
import type { QuestionKind } from '@markco/protocol';
import type { RuntimeDescriptor } from '../runtimes/runtime.ts';

const ASKED: Readonly<Record<QuestionKind, string>> = {
  complete: 'complete',
  inspect: 'inspect',
  hover: 'hover',
  variables: 'variables',
  variable: 'variableExpand',
  reset: 'reset',
  isComplete: 'isComplete',
  format: 'format',
};

export function featuresOf({ answers }: Pick<RuntimeDescriptor, 'answers'>): Record<string, boolean> {
  const asked = Object.entries(ASKED).map(([kind, feature]) => [feature, answers.includes(kind as QuestionKind)]);
  return {
    execute: true,
    executeStream: true,
    interrupt: true,
    ...(Object.fromEntries(asked) as Record<string, boolean>),
    assets: true,
    history: true,
  };
}
