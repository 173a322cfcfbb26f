import { newId, type DeviceId, type Run } from '@markco/protocol';
import { afterEach, expect, test } from 'vitest';
import { language } from '../i18n/words.ts';
import { runFacts } from '../panels/run-words.ts';
import { catalogs } from './messages.ts';
import { isPossible, placeWords, unrankedWords } from './place-words.ts';
import { whyWords } from './why-words.ts';

const NOW = new Date('2026-11-22T15:00:00').getTime();
const TODAY = new Date('2026-11-22T14:02:00').toISOString();

afterEach(() => {
  language.value = 'en';
});

test.each([
  ['box: 30 · nothing waits +20, near +10', undefined, 'nothing waits, near'],
  ['box: 50 · session +50', undefined, 'has your variables, busy now'],
  [
    'a · b: −30 · GPU +30, to be spared −40, unstable −30',
    undefined,
    'has a GPU, on battery, or to be spared, often away, busy now',
  ],
  ['box: 0 · nothing for it or against it', undefined, 'busy now'],
  ['box refused: it has no Julia', 'runtime-missing', 'has no Julia'],
  [`box refused: it is offline since ${TODAY}`, 'offline', 'is away since 14:02: the run waits for it'],
  ['box refused: it is offline since 1970-01-01T00:00:00.000Z', 'offline', 'is away: the run waits for it'],
  ['box refused: it does something new', 'something-new', 'cannot take it now'],
])('the line "%s" in words', (line, refused, expected) => {
  const device = refused === undefined ? { line } : { line, refused };
  expect(placeWords(device, 'julia', NOW)).toBe(expected);
});

test('a device that would never take the run cannot be chosen; one that is away can', () => {
  expect([{ refused: 'runtime-missing' }, { refused: 'offline' }, {}].map((one) => isPossible(one))).toEqual([
    ...[false, true, true],
  ]);
  expect(unrankedWords({ awaySince: null }, NOW)).toBe('gets this project first');
  expect(unrankedWords({ awaySince: Date.parse(TODAY) }, NOW)).toBe('is away since 14:02: the run waits for it');
});

test('the words are those of the page', () => {
  language.value = 'fr';
  expect(placeWords({ line: 'box: 30 · nothing waits +20, near +10' }, 'r', NOW)).toBe('rien n’attend, proche');
  expect(placeWords({ line: '', refused: 'runtime-missing' }, 'js', NOW)).toBe('n’a pas JavaScript');
  const places = (text: string | object): string[] =>
    JSON.stringify(text)
      .match(/\{\w+\}/g)
      ?.toSorted() ?? [];
  for (const [key, text] of Object.entries(catalogs.en))
    expect(places(catalogs.fr[key as keyof typeof catalogs.fr]), key).toEqual(places(text));
});

test.each([
  ['You chose box.', 'Vous avez choisi box.'],
  [
    'box suits best of the devices that are on now. It starts with a new session: the variables of the old one are on a.b.',
    'box convient le mieux parmi les appareils allumés. Elle commence dans une nouvelle session : les variables de l’ancienne sont sur a.b.',
  ],
  [
    'box is offline, gpu has no Python. The run waits for box.',
    'box est hors ligne, gpu n’a pas Python. L’exécution attend box.',
  ],
  ['Something that nobody knows.', 'Something that nobody knows.'],
])('why a run went where it went is said in French: %s', (why, expected) => {
  expect(whyWords(why, 'fr')).toBe(expected);
  expect(whyWords(why, 'en')).toBe(why);
});

test('a listed run says where it is, and for how long its device has been away', () => {
  const ids = { now: () => NOW, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
  const [here, box] = [newId<DeviceId>(ids), newId<DeviceId>(ids)];
  const devices = [
    { id: here, name: 'laptop', isHere: true, awaySince: null },
    { id: box, name: 'box', isHere: false, awaySince: Date.parse(TODAY) },
  ];
  const run = {
    state: 'running',
    routedTo: { hostType: 'device', reason: 'availability', deviceId: box },
    createdAt: TODAY,
  } as Run;
  const facts = (change: Partial<Run>, known = devices) => runFacts({ ...run, ...change }, NOW, known).join(' · ');
  expect(facts({ startedAt: TODAY })).toBe('Running · 58:00 · box · 14:02');
  expect(facts({ startedAt: TODAY }, devices.slice(1))).toBe('Running · 58:00 · 14:02');
  expect(facts({ unreachable: TODAY })).toBe('box does not answer since 14:02');
  expect(facts({ unreachable: TODAY }, [])).toBe('Its device does not answer since 14:02');
  expect(facts({ state: 'queued', waitsFor: 'box' })).toBe('Waits for box · away since 14:02');
  expect(facts({ state: 'queued', waitsFor: 'laptop' })).toBe('Waits for laptop');
  expect(facts({ state: 'completed', unreachable: TODAY, ranOn: 'box' })).toBe('Done · box · 14:02');
});
