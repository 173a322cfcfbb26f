/** Faults that rules can find, of what a page shows now. */
import axe, { type AxeResults, type RunOptions } from 'axe-core';
import type { Notebook } from './notebook.ts';

declare global {
  interface Window {
    readonly axe?: { run(where: Document, options: RunOptions): Promise<AxeResults> };
  }
}

/** The only rules whose answer is another one in another theme. */
const OF_COLORS = ['color-contrast', 'link-in-text-block'];

/**
 * What axe finds serious or critical, with where. What is in frames is not looked at: outputs are not this page's.
 * @param colorsAlone for what was looked at with all rules in another theme
 */
export async function troubles(
  { page }: Pick<Notebook, 'page'>,
  { colorsAlone = false }: { readonly colorsAlone?: boolean } = {},
): Promise<readonly string[]> {
  // What fades in has its colors only when it is there.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter(({ effect }) => effect?.getTiming().iterations !== Infinity)
        .map(({ finished }) => finished.catch(() => undefined)),
    ),
  );
  if (await page.evaluate(() => window.axe === undefined)) await page.evaluate(axe.source);
  const violations = await page.evaluate(
    async (options) => {
      if (window.axe === undefined) throw new Error('axe is not in the page');
      return (await window.axe.run(document, options)).violations;
    },
    {
      resultTypes: ['violations'],
      iframes: false,
      ...(colorsAlone ? { runOnly: { type: 'rule', values: OF_COLORS } } : {}),
    } satisfies RunOptions,
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')} ${failureSummary?.split('\n')[1] ?? ''}`),
    );
}
