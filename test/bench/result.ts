/** What the bench finds: one row a figure, with the bar it is held against. */

export type Row = {
  readonly stage: string;
  readonly measure: string;
  readonly unit: string;
  readonly ours: number;
  /** Peers by name; a peer that could not do it at all is null. */
  readonly peers: Readonly<Record<string, number | null>>;
  readonly target?: Target;
};

/** Against the best peer of the same run, or in the unit itself. */
export type Target =
  | { readonly ratio: 'at-most' | 'at-least'; readonly of: number; readonly peer?: string }
  | { readonly limit: 'at-most' | 'at-least'; readonly of: number };

export type Verdict = { readonly ratio: number | null; readonly bar: string; readonly met: boolean | null };

/** What counts as the best peer follows from the bar: where less is better the least, else the most. */
export function judge({ ours, peers, target }: Row): Verdict {
  if (target === undefined) return { ratio: ratioTo(ours, Object.values(peers)[0] ?? null), bar: '', met: null };
  if ('limit' in target) {
    const met = target.limit === 'at-most' ? ours <= target.of : ours >= target.of;
    return { ratio: null, bar: `${sign(target.limit)} ${target.of}`, met };
  }
  const known = Object.entries(peers).flatMap(([name, value]) =>
    value !== null && (target.peer === undefined || target.peer === name) ? [value] : [],
  );
  const best = known.length === 0 ? null : target.ratio === 'at-most' ? Math.min(...known) : Math.max(...known);
  const ratio = ratioTo(ours, best);
  const met = ratio === null ? null : target.ratio === 'at-most' ? ratio <= target.of : ratio >= target.of;
  return { ratio, bar: `${sign(target.ratio)} ${target.of}×`, met };
}

function ratioTo(ours: number, peer: number | null): number | null {
  return peer === null || peer === 0 ? null : ours / peer;
}

const sign = (direction: 'at-most' | 'at-least'): string => (direction === 'at-most' ? '≤' : '≥');

/** A text table, a blank line between stages. */
export function tableOf(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ peers }) => Object.keys(peers)))];
  const head = ['stage', 'measure', 'unit', 'MarkCo', ...names, 'ratio', 'bar', 'met'];
  const body = rows.map((row) => {
    const { ratio, bar, met } = judge(row);
    return [
      row.stage,
      row.measure,
      row.unit,
      figure(row.ours),
      ...names.map((name) => (name in row.peers ? figure(row.peers[name] ?? null) : '')),
      ratio === null ? '' : `${figure(ratio)}×`,
      bar,
      met === null ? '' : met ? 'yes' : 'NO',
    ];
  });
  const widths = head.map((title, at) => Math.max(title.length, ...body.map((cells) => cells[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at < 3 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '─'.repeat(width))), ...body.map(line)].join('\n');
}

function figure(value: number | null): string {
  if (value === null) return 'never';
  const size = Math.abs(value);
  if (size >= 1_000) return Math.round(value).toLocaleString('en-US');
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}
