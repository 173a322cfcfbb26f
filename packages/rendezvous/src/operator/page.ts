/** The page of whoever runs a cloud: its last hour as plots, and what is wrong now in words. Without a script. */
import { createHash } from 'node:crypto';
import { drawPlot, escape, formatNumber, type Line, type Plot } from './plot.ts';
import { SAMPLE_MS, type Sample, type Spread } from './recent.ts';

export type OperatorNow = {
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly now: number;
  /** Null while what is written is saved; else why not. */
  readonly storage: string | null;
  /** Whether other processes can be told; null for a cloud of one. */
  readonly isBusUp: boolean | null;
  readonly documents: number;
  readonly openDocuments: number;
};

const HOSTS_MAX = 5;
const MINUTE = 60_000 / SAMPLE_MS;
const STYLE = `:root{color-scheme:light dark;--line:light-dark(#d9d9de,#3a3a40);--muted:light-dark(#5f6068,#a2a3ab)}
body{margin:0 auto;max-width:1100px;padding:16px;font:15px/1.45 system-ui,sans-serif;background:light-dark(#fff,#17171a);color:light-dark(#1c1c20,#ececf0)}
h1{font-size:20px;margin:0 0 2px}p{margin:0 0 10px}.muted,.none,text{color:var(--muted);fill:var(--muted)}
.bad{padding:8px 12px;border-radius:8px;background:light-dark(#fde8e6,#4a1f1c)}
.good{padding:8px 12px;border-radius:8px;background:light-dark(#e6f4e9,#1d3a25)}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(320px,100%),1fr));gap:14px}
figure{margin:0;padding:12px;border:1px solid var(--line);border-radius:10px;min-width:0}
figcaption{font-weight:600;margin-bottom:6px}svg{display:block;width:100%;height:auto}
text{font-size:10px}.end{text-anchor:end}.grid{stroke:var(--line);fill:none}.line{fill:none;stroke-width:1.6;stroke-linejoin:round}
ul{list-style:none;display:flex;flex-wrap:wrap;gap:2px 14px;margin:8px 0 0;padding:0;font-size:13px}
i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:5px}b{font-variant-numeric:tabular-nums}
.c0{stroke:light-dark(#2f52b5,#93b4ff);background:light-dark(#2f52b5,#93b4ff)}
.c1{stroke:light-dark(#b45309,#f0b266);background:light-dark(#b45309,#f0b266)}
.c2{stroke:light-dark(#b3261e,#ff8f85);background:light-dark(#b3261e,#ff8f85)}
.c3{stroke:light-dark(#256c39,#86cf9a);background:light-dark(#256c39,#86cf9a)}
.c4{stroke:light-dark(#7c3a93,#d8a3e8);background:light-dark(#7c3a93,#d8a3e8)}
.c5{stroke:light-dark(#096d78,#6fd0dc);background:light-dark(#096d78,#6fd0dc)}`;

/** One style, drawn by us, and nothing else. */
export const OPERATOR_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export function operatorPage(samples: readonly Sample[], now: OperatorNow): string {
  const troubles = [
    ...(now.storage === null ? [] : [`Nothing is being saved: ${now.storage}`]),
    ...(now.isBusUp === false ? ['NATS does not answer. Other processes hear of edits half a second later.'] : []),
  ];
  const said =
    troubles.length === 0
      ? '<p class="good">Everything that is written is saved.</p>'
      : troubles.map((trouble) => `<p class="bad">${escape(trouble)}</p>`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="refresh" content="30"><title>Your cloud · MarkCo</title><style>${STYLE}</style></head><body><h1>Your cloud</h1><p class="muted">MarkCo ${escape(now.version)} · up since ${new Date(now.startedAt).toISOString().slice(0, 16).replace('T', ' ')} UTC · ${formatNumber(now.documents)} documents, ${formatNumber(now.openDocuments)} of them open · the last hour of this process, times in UTC</p>${said}<main>${plotsOf(samples).map(drawPlot).join('')}</main></body></html>`;
}

export function plotsOf(samples: readonly Sample[]): readonly Plot[] {
  const times = samples.map(({ at }) => at);
  const line = (name: string, read: (sample: Sample) => number | null): Line => ({ name, values: samples.map(read) });
  const spread = (read: (sample: Sample) => Spread): readonly Line[] =>
    (['p50', 'p95', 'p99'] as const).map((part) => line(part, (sample) => read(sample)?.[part] ?? null));
  /** A minute of samples each, so that a single run is seen. */
  const lately = (read: (sample: Sample) => number): number[] =>
    samples.map((_, at) =>
      samples.slice(Math.max(0, at + 1 - MINUTE), at + 1).reduce((sum, sample) => sum + read(sample), 0),
    );
  const totals = new Map<string, number>();
  for (const { runs } of samples)
    for (const [host, count] of Object.entries(runs)) totals.set(host, (totals.get(host) ?? 0) + count);
  const hosts = [...totals].toSorted((a, b) => b[1] - a[1]).map(([host]) => host);
  const [shown, others] = [hosts.slice(0, HOSTS_MAX), hosts.slice(HOSTS_MAX)];
  const runsOn = (on: readonly string[]) => lately(({ runs }) => on.reduce((sum, host) => sum + (runs[host] ?? 0), 0));
  const routed = lately((sample) => sample.routed);
  const fallbacks = lately((sample) => sample.fallbacks);
  return [
    {
      ...{ title: 'Connections', unit: '', times, least: 5 },
      lines: [line('WebSockets', ({ connections }) => connections), line('devices', ({ devices }) => devices)],
    },
    {
      ...{ title: 'From an edit to “saved”', unit: 'ms', times },
      lines: spread(({ acknowledged }) => acknowledged),
    },
    { ...{ title: 'Writing to the store', unit: 'ms', times }, lines: spread(({ persisted }) => persisted) },
    { ...{ title: 'Opening a document', unit: 'ms', times }, lines: spread(({ opened }) => opened) },
    {
      ...{ title: 'Edits', unit: 'a second', times },
      lines: [line('edits', ({ updates }) => updates / (SAMPLE_MS / 1_000))],
    },
    {
      ...{ title: 'Runs that ended, by device', unit: 'a minute', times, least: 2 },
      lines: [
        ...shown.map((host) => ({ name: host, values: runsOn([host]) })),
        ...(others.length === 0 ? [] : [{ name: 'others', values: runsOn(others) }]),
        { name: 'of them failed', values: lately(({ failedRuns }) => failedRuns) },
      ],
    },
    {
      ...{ title: 'Runs that the device beside took in', unit: '% of those placed', times, least: 100 },
      lines: [
        {
          name: 'stood in',
          values: routed.map((count, at) => (count === 0 ? null : (100 * (fallbacks[at] ?? 0)) / count)),
        },
      ],
    },
    {
      ...{ title: 'Errors', unit: 'a minute', times, least: 5 },
      lines: [{ name: 'errors', values: lately(({ errors }) => errors) }],
    },
    {
      ...{ title: 'Memory', unit: 'MB', times },
      lines: [line('resident', ({ residentBytes }) => residentBytes / 1024 / 1024)],
    },
  ];
}
