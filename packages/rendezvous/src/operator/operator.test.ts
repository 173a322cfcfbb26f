import { expect, test } from 'vitest';
import { OPERATOR_POLICY, operatorPage, plotsOf } from './page.ts';
import { ceiling, drawPlot } from './plot.ts';
import { createRecent, SAMPLE_MS, SAMPLES_MAX, type RunCounts } from './recent.ts';

const AT = Date.parse('2026-11-22T14:02:00.000Z');

function setUp() {
  let counts: RunCounts = { ended: { laptop: { completed: 5, failed: 0 } }, routed: { availability: 5 } };
  const recent = createRecent({
    ...{ connections: () => 3, devices: () => 2, residentBytes: () => 64 * 1024 * 1024 },
    runs: () => counts,
  });
  return { recent, count: (next: RunCounts) => void (counts = next) };
}

test('a sample says what happened since the one before', () => {
  const { recent, count } = setUp();
  for (let ms = 1; ms <= 100; ms++) recent.acknowledged(ms);
  recent.updated(30);
  recent.failed();
  count({
    ended: { laptop: { completed: 6, failed: 1 }, server: { completed: 1, failed: 0 } },
    routed: { availability: 6, fallback: 1 },
  });
  recent.sample(AT);
  recent.sample(AT + SAMPLE_MS);
  expect(recent.samples()).toMatchObject([
    {
      ...{ at: AT, connections: 3, devices: 2, updates: 30, errors: 1, runs: { laptop: 2, server: 1 }, failedRuns: 1 },
      ...{ routed: 2, fallbacks: 1, acknowledged: { p50: 51, p95: 96, p99: 100 }, persisted: null },
    },
    { updates: 0, errors: 0, runs: {}, failedRuns: 0, routed: 0, fallbacks: 0, acknowledged: null },
  ]);
});

test('an hour is kept and no more, whatever comes', () => {
  const { recent } = setUp();
  for (let sample = 0; sample < SAMPLES_MAX + 10; sample++) {
    for (let value = 0; value < 20; value++) recent.persisted(value);
    recent.sample(AT + sample * SAMPLE_MS);
  }
  expect(recent.samples()).toHaveLength(SAMPLES_MAX);
  expect(recent.samples()[0]?.at).toBe(AT + 10 * SAMPLE_MS);
});

test('the page says what is wrong in words, plots the rest, and has no script', () => {
  const { recent, count } = setUp();
  recent.sample(AT);
  count({ ended: { '<b>laptop</b>': { completed: 1, failed: 0 } }, routed: { availability: 6, fallback: 1 } });
  recent.sample(AT + SAMPLE_MS);
  const now = { version: '1', startedAt: AT, now: AT, isBusUp: false, documents: 4, openDocuments: 1 };
  const page = operatorPage(recent.samples(), { ...now, storage: 'The database is away.' });
  expect(page).toContain('Nothing is being saved: The database is away.');
  expect(page).toContain('NATS does not answer.');
  expect(page).toContain('&lt;b&gt;laptop&lt;/b&gt; <b>1 a minute</b>');
  expect(page).not.toMatch(/<script|<b>laptop|NaN|undefined/);
  expect(page.match(/<svg/g)).toHaveLength(plotsOf(recent.samples()).length);
  expect(plotsOf(recent.samples()).find(({ title }) => title.includes('took in'))?.lines[0]?.values).toEqual([
    null,
    50,
  ]);
  expect(OPERATOR_POLICY).not.toContain('script');
  expect(operatorPage([], { ...now, storage: null, isBusUp: null })).toContain('Everything that is written is saved.');
});

test('a line has a gap where nothing was measured, and ends within the plot', () => {
  const svg = drawPlot({
    title: 'x',
    unit: 'ms',
    times: [0, 1, 2, 3],
    lines: [{ name: 'p50', values: [1, 3, null, 2] }],
  });
  expect([...svg.matchAll(/points="([^"]*)"/g)].map(([, points]) => points)).toEqual([
    '0.0,76.8 113.3,42.4',
    '226.7,59.6 340.0,59.6',
  ]);
  expect([0, 0.3, 1, 7, 50, 51, 1_001].map(ceiling)).toEqual([1, 0.5, 1, 10, 50, 100, 2_000]);
});
