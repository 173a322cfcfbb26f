/** The token in what somebody has typed or pasted: itself, or the line that `markco cloud` prints. */
export const tokenIn = (typed: string): string =>
  typed
    .trim()
    .replace(/^.*#token=/, '')
    .replace(/'$/, '');
