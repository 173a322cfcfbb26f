/** Faults that rules can find, of what a page shows now. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Notebook } from './notebook.ts';

/** What axe finds serious or critical, with where. */
export async function troubles({ page }: Pick<Notebook, 'page'>): Promise<readonly string[]> {
  // What fades in has its colors only when it is there.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter(({ effect }) => effect?.getTiming().iterations !== Infinity)
        .map(({ finished }) => finished.catch(() => undefined)),
    ),
  );
  const { violations } = await new AxeBuilder({ page })
    .options({ resultTypes: ['violations'], iframes: false })
    .analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')} ${failureSummary?.split('\n')[1] ?? ''}`),
    );
}
