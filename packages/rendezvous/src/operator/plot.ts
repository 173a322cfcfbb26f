/** One plot of the operator's page, as SVG: lines over time, what they are, and how high they go. Pure. */

export type Line = { readonly name: string; readonly values: readonly (number | null)[] };

export type Plot = {
  readonly title: string;
  /** What one unit is called: `ms`. */
  readonly unit: string;
  /** Unix milliseconds, one for each value. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** What the highest value is at least taken for. */
  readonly least?: number;
};

const WIDTH = 340;
const HEIGHT = 110;
const TOP = 8;
const BOTTOM = 94;
/** As many colors as there are; further lines repeat them. */
const COLORS = 6;

export const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** `1,240`, `0.84`. */
export function formatNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : 2 });
}

/** The next round number: 1, 2 or 5, and zeros. */
export function ceiling(value: number): number {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((step) => step * unit >= value * 0.999_999) ?? 10) * unit;
}

const latest = ({ values }: Line): number | null => values.findLast((value) => value !== null) ?? null;

export function drawPlot({ title, unit, times, lines, least = 0 }: Plot): string {
  const all = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  const top = ceiling(Math.max(least, ...all));
  const [from, to] = [times[0] ?? 0, times.at(-1) ?? 1];
  const x = (at: number): string => (((at - from) / Math.max(1, to - from)) * WIDTH).toFixed(1);
  const y = (value: number): string => (BOTTOM - (value / top) * (BOTTOM - TOP)).toFixed(1);
  const drawn = lines.map(({ values }, line) => {
    const parts = runsOf(values).map((points) =>
      points.map(([at, value]) => `${x(times[at] ?? 0)},${y(value)}`).join(' '),
    );
    return parts.map((points) => `<polyline class="line c${line % COLORS}" points="${points}"/>`).join('');
  });
  const said = lines.map((line, at) => {
    const value = latest(line);
    const words = value === null ? '–' : `${formatNumber(value)}${unit === '' ? '' : ` ${unit}`}`;
    return `<li><i class="c${at % COLORS}"></i>${escape(line.name)} <b>${words}</b></li>`;
  });
  const nothing = all.length === 0 ? '<p class="none">Nothing in this hour.</p>' : '';
  return `<figure><figcaption>${escape(title)}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(title)}"><path class="grid" d="M0 ${TOP}H${WIDTH}M0 ${(TOP + BOTTOM) / 2}H${WIDTH}M0 ${BOTTOM}H${WIDTH}"/><text x="2" y="${TOP + 11}">${formatNumber(top)} ${escape(unit)}</text><text x="2" y="${HEIGHT - 3}">${clock(from)}</text><text class="end" x="${WIDTH - 2}" y="${HEIGHT - 3}">${clock(to)}</text>${drawn.join('')}</svg><ul>${said.join('')}</ul>${nothing}</figure>`;
}

/** Values that follow each other without a gap; one alone is drawn as a short line. */
function runsOf(values: readonly (number | null)[]): (readonly [number, number])[][] {
  const runs: [number, number][][] = [];
  values.forEach((value, at) => {
    if (value === null) return;
    const last = runs.at(-1);
    if (last?.at(-1)?.[0] === at - 1) last.push([at, value]);
    else runs.push([[at, value]]);
  });
  return runs.map((run) => {
    const [only] = run;
    return run.length > 1 || only === undefined ? run : [[Math.max(0, only[0] - 1), only[1]], only];
  });
}

/** In UTC, as the log has it. */
const clock = (at: number): string => (at === 0 ? '' : new Date(at).toISOString().slice(11, 16));
