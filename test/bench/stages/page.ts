/** The page in Chromium. */
import type { Stage } from '../bench.ts';

export const page: Stage = {
  name: 'page',
  about: 'the page in Chromium',
  async run(bench) {
    bench.skip('page', 'not written');
    return [];
  },
};
