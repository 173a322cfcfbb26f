/**
 * A cloud on Postgres each of whose statements goes wrong once, while somebody types and documents are opened
 * that nobody has read yet (R5): what is said to be saved is in the database at that moment, no document that could not be
 * read is opened as an empty one, and all is saved after. A start that fails says why, and the next one goes on.
 *
 * To be quick, each statement is refused or has its answer lost, and one in `HANGS_OF` hangs, which takes five seconds to
 * be given up. `MARKCO_TRIALS=10`: each in all three ways.
 */
import type { Cloud, Document } from '@markco/protocol';
import { NO_NATS, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { startFaultyWay, type Fault, type FaultyWay } from '@markco/rendezvous/store/faulty-way.fixture';
import { NO_POSTGRES, startPostgres, type PostgresServer } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../setup/trials.ts';
import { startCloud, type CloudProgram } from '../../conformance/cloud.fixture.ts';
import { eventually, startDevice } from '../../conformance/device.fixture.ts';
import { markersIn, sitDown, type Typist } from './processes.fixture.ts';

const SOON_MS = 30_000;
const HANGS_OF = 10;
const COLD_PAGES = 600;
/** What the page itself may take to ask for; one that is not asked for by then fails the test. */
const ASKED_MS = 30_000;
const COLD_AT_ONCE = 8;
const EVERY_MS = 100;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const coldText = (at: number): string => `# Cold ${at}\n\nWritten long ago.\n`;
const short = (statement: string): string => statement.replace(/\s+/g, ' ').slice(0, 60);

type Place = { readonly cloud: CloudProgram; readonly way: FaultyWay; readonly postgres: PostgresServer; url: string };
type Person = { readonly userId: string; readonly slug: string; nextCold: number };

/** That what is said to be saved is in the database, asked for at the moment in which it is said. */
async function savedAsSaid({ postgres, url }: Place, typist: Typist, from: number): Promise<number> {
  const said = typist.acknowledged();
  if (said === from) return said;
  const missing = typist.typed.slice(from, said).map(
    (marker) => `SELECT '${marker}' WHERE NOT EXISTS (SELECT FROM records
      WHERE position('\\x${Buffer.from(marker).toString('hex')}'::bytea IN value) > 0)`,
  );
  expect(await postgres.rows(url, missing.join(' UNION ALL '))).toEqual([]);
  return said;
}

/** Opens a document nobody has opened, and waits for it: what it is once it is there, is whole. */
async function openCold({ cloud }: Place, person: Person): Promise<void> {
  const at = person.nextCold++;
  if (at >= COLD_PAGES) throw new Error('every document has been opened');
  const reader = sitDown('reader', `sync/${person.userId}/${person.slug}/cold-${at}`, () => cloud);
  const first = new Promise<string>((resolve) =>
    reader.provider.on('sync', (isSynced: boolean) => isSynced && resolve(reader.text())),
  );
  expect(await first).toBe(coldText(at));
  reader.provider.destroy();
}

/** Whoever is at the page does what makes the cloud ask, until `isDone`. */
async function useIt(place: Place, person: Person, typist: Typist, isDone: () => boolean): Promise<void> {
  const opened: Promise<void>[] = [];
  let said = typist.acknowledged();
  const until = performance.now() + ASKED_MS;
  do {
    typist.type();
    if (opened.length < COLD_AT_ONCE) opened.push(openCold(place, person));
    void place.cloud.get(`/api/documents/${person.userId}`).catch(() => undefined);
    void fetch(`${place.cloud.origin}/api/tickets`, {
      method: 'POST',
      headers: { authorization: `Bearer ${place.cloud.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ path: '/api/stream' }),
    }).catch(() => undefined);
    await pause(EVERY_MS);
    said = await savedAsSaid(place, typist, said);
  } while (!isDone() && performance.now() < until);
  await eventually(
    async () => (said = await savedAsSaid(place, typist, said)) === typist.typed.length,
    'all to be saved',
    SOON_MS,
  );
  await Promise.all(opened);
}

async function triesEach(place: Place, person: Person, store: string): Promise<void> {
  const { cloud, way } = place;
  const { numRuns, seed } = trials(`R5 each statement on ${store}`, 1);
  const random = chance(seed);
  const faults = (): readonly Fault[] => [
    ...(numRuns > 1 ? (['refuse', 'lose'] as const) : [random() < 0.5 ? ('refuse' as const) : ('lose' as const)]),
    ...(random() < numRuns / HANGS_OF ? (['hang'] as const) : []),
  ];
  const typist = sitDown(store, `sync/${person.userId}/${person.slug}/page`, () => cloud);
  await eventually(() => typist.text().startsWith('# Page'), 'the page', SOON_MS);

  const before = way.executed.length;
  const learnt = performance.now();
  await useIt(place, person, typist, () => performance.now() - learnt > 3_000);
  const statements = [...new Set(way.executed.slice(before))];
  const counts = { refuse: 0, lose: 0, hang: 0 };
  const unasked: string[] = [];
  for (const statement of statements)
    for (const fault of faults()) {
      let isHit = false;
      void way.fail(fault, (text) => text === statement).then(() => (isHit = true));
      await useIt(place, person, typist, () => isHit);
      way.spare();
      if (isHit) counts[fault]++;
      else unasked.push(`${fault} ${short(statement)}`);
    }
  expect(unasked).toEqual([]);
  console.log(
    `  ${statements.length} statements on ${store}: ${counts.refuse} refused, ${counts.lose} answers lost, ${counts.hang} hung`,
  );

  // And those of a start, one after another.
  await cloud.stop();
  const beforeStart = way.executed.length;
  await cloud.start();
  const atStart = way.executed.length - beforeStart;
  const started = { went: 0, said: 0 };
  for (let at = 0; at < atStart; at++)
    for (const fault of faults()) {
      await cloud.kill();
      const from = way.executed.length;
      void way.fail(fault, (_, now) => now === from + at);
      const log = cloud.log().length;
      const why = await cloud.start().then(
        () => null,
        () => cloud.log().slice(log),
      );
      way.spare();
      if (why === null) started.went++;
      else {
        started.said++;
        expect(why).toMatch(
          /The database (in DATABASE_URL cannot be reached or written|of this cloud does not answer now)\./,
        );
        await cloud.start();
      }
    }
  console.log(
    `  ${atStart} statements of a start on ${store}: ${started.went} starts went on, ${started.said} said why`,
  );

  // What it has kept, from the database alone.
  await eventually(() => typist.acknowledged() === typist.typed.length, 'all to be saved', SOON_MS);
  typist.provider.destroy();
  await cloud.kill();
  await cloud.start();
  const fresh = sitDown('fresh', `sync/${person.userId}/${person.slug}/page`, () => cloud);
  await eventually(() => fresh.provider.synced, 'the page, anew', SOON_MS);
  const kept = markersIn(fresh.text());
  expect(kept.size).toBe(typist.typed.length);
  expect([...kept.values()].every((times) => times === 1)).toBe(true);
  await openCold(place, person);
  fresh.provider.destroy();
}

async function onPostgres(store: string, more: Readonly<Record<string, string>>): Promise<void> {
  await using postgres = await startPostgres();
  const url = await postgres.database();
  await using way = await startFaultyWay(url);
  await using cloud = await startCloud({ DATABASE_URL: way.url, ...more });
  const pages = Object.fromEntries(Array.from({ length: COLD_PAGES }, (_, at) => [`cold-${at}.md`, coldText(at)]));
  await using laptop = await startDevice({ files: { 'page.md': '# Page\n', ...pages } });
  await laptop.get<Cloud>('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const listed = async (): Promise<boolean> =>
    (await cloud.get<{ documents?: Document[] }>(`/api/documents/${laptop.userId}`)).json.documents?.length ===
    COLD_PAGES + 1;
  await eventually(listed, 'the documents in the cloud', SOON_MS);
  const person = { userId: laptop.userId, slug: laptop.project.slug, nextCold: 0 };
  // Nobody else has them, and nothing is in memory.
  await laptop.kill();
  await cloud.kill();
  await cloud.start();
  await triesEach({ cloud, way, postgres, url }, person, store);
}

test('R5 each statement of a cloud on Postgres goes wrong: nothing acknowledged is lost, nothing opens empty', async ({
  skip,
}) => {
  skip(NO_POSTGRES !== undefined, NO_POSTGRES);
  await onPostgres('Postgres', {});
}, 900_000);

test('R5 each statement of a process among others goes wrong: the same', async ({ skip }) => {
  skip(NO_POSTGRES !== undefined, NO_POSTGRES);
  skip(NO_NATS !== undefined, NO_NATS);
  await using nats = await startNats();
  await onPostgres('Postgres and NATS', { NATS_URL: nats.url });
}, 900_000);
