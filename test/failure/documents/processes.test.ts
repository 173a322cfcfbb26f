/**
 * Two processes of one cloud, and everything below and between them going away at random while people type: nothing
 * that was acknowledged is lost, nothing is there twice, and everybody ends with the same text.
 *
 * `MARKCO_STORM_MS` says for how long, `MARKCO_SEED` which storm.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Document } from '@markco/protocol';
import { NO_NATS, startLossyWay, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test } from 'vitest';
import { startCloud, type CloudProgram } from '../../conformance/cloud.fixture.ts';
import { eventually, startDevice } from '../../conformance/device.fixture.ts';
import { markersIn, sitDown, type Typist } from './processes.fixture.ts';

const STORM_MS = Number(process.env['MARKCO_STORM_MS'] ?? 10_000);
const SEED = Number(process.env['MARKCO_SEED'] ?? Math.floor(performance.timeOrigin) % 1_000_000);
const SOON_MS = 60_000;
const PAGES = ['one', 'two', 'three'];
const TYPISTS = 6;
/** Messages between the processes that are lost besides. */
const LOSS = 0.05;

/** Mulberry32: the same storm for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test(
  `two processes are killed at random for ${STORM_MS / 1_000} s, NATS goes and comes, Postgres freezes: no acknowledged edit is lost or doubled`,
  async ({ skip }) => {
    skip(NO_POSTGRES !== undefined, NO_POSTGRES);
    skip(NO_NATS !== undefined, NO_NATS);
    const random = randomOf(SEED);
    await using postgres = await startPostgres();
    await using nats = await startNats();
    await using way = await startLossyWay(nats.url, () => Math.random() < LOSS);
    const env = { DATABASE_URL: await postgres.database(), NATS_URL: way.url };
    await using first = await startCloud(env);
    await using second = await startCloud(env, first.token);
    await using laptop = await startDevice({
      files: Object.fromEntries(PAGES.map((page) => [`${page}.md`, `# ${page}\n`])),
    });
    await laptop.get<Cloud>('/api/cloud', { body: { url: first.origin, token: first.token } });
    const up = new Set<CloudProgram>([first, second]);
    const listed = async () =>
      (await second.get<{ documents?: Document[] }>(`/api/documents/${laptop.userId}`)).json.documents?.length ===
      PAGES.length;
    await eventually(listed, 'the documents at both', SOON_MS);

    const door = (): CloudProgram => [...up][Math.floor(Math.random() * up.size)] ?? first;
    const typists = Array.from({ length: TYPISTS }, (_, at) => {
      const page = PAGES[at % PAGES.length] ?? '';
      return { page, typist: sitDown(`${at}`, `sync/${laptop.userId}/${laptop.project.slug}/${page}`, door) };
    });
    await using _ = { [Symbol.asyncDispose]: async () => typists.forEach(({ typist }) => typist.provider.destroy()) };
    await eventually(() => typists.every(({ typist }) => typist.provider.synced), 'all to be there', SOON_MS);

    const until = performance.now() + STORM_MS;
    const done = { kills: 0, nats: 0, frozen: 0 };
    let isOver = false;
    const typing = typists.map(async ({ typist }) => {
      while (!isOver) {
        typist.type();
        await pause(40 + Math.random() * 120);
      }
    });

    async function revive(cloud: CloudProgram): Promise<void> {
      // It does not start while its database is frozen.
      while (
        !(await cloud.start().then(
          () => true,
          () => false,
        ))
      )
        await pause(200);
      up.add(cloud);
    }
    const storm = [
      async () => {
        const cloud = random() < 0.5 ? first : second;
        done.kills++;
        up.delete(cloud);
        await cloud.kill();
        await revive(cloud);
      },
      async () => {
        done.nats++;
        await nats.kill();
        await pause(random() * 3_000);
        await nats.start();
      },
      async () => {
        done.frozen++;
        postgres.signal('SIGSTOP');
        await pause(random() * (random() < 0.3 ? 7_000 : 1_500));
        postgres.signal('SIGCONT');
      },
    ];
    // Each goes on for itself, so that they come together too; a process is killed about every three seconds.
    await Promise.all(
      storm.map(async (strike, kind) => {
        await pause(random() * 1_000);
        while (performance.now() < until) {
          await strike();
          await pause((kind === 0 ? 1_000 : 3_000) * (0.5 + random()));
        }
      }),
    );
    isOver = true;
    await Promise.all(typing);

    const all = ({ typist }: { readonly typist: Typist }): boolean => typist.acknowledged() === typist.typed.length;
    await eventually(() => typists.every(all), 'everything to be acknowledged', SOON_MS);
    const textsOf = (page: string): readonly string[] =>
      typists.filter((each) => each.page === page).map(({ typist }) => typist.text());
    for (const page of PAGES) {
      const isOne = (): boolean => new Set(textsOf(page)).size === 1;
      await eventually(isOne, `all who have ${page} open to have one text`, SOON_MS);
      const text = textsOf(page)[0] ?? '';
      const file = join(laptop.folder, `${page}.md`);
      await eventually(async () => (await readFile(file, 'utf8')) === text, 'the file of the device', SOON_MS);
      const counts = markersIn(text);
      const typed = typists.filter((each) => each.page === page).flatMap(({ typist }) => typist.typed);
      const wrong = typed.filter((marker) => counts.get(marker) !== 1);
      expect(wrong, `seed ${SEED}`).toEqual([]);
      expect(counts.size).toBe(typed.length);
    }
    // Whoever comes to either process from now on has the same.
    for (const cloud of [first, second])
      for (const page of PAGES) {
        const fresh = sitDown('fresh', `sync/${laptop.userId}/${laptop.project.slug}/${page}`, () => cloud);
        await eventually(() => fresh.text() === textsOf(page)[0], `${page} for who comes later`, SOON_MS);
        fresh.provider.destroy();
      }
    const edits = typists.reduce((sum, { typist }) => sum + typist.typed.length, 0);
    console.log(
      `storm ${STORM_MS} ms, MARKCO_SEED=${SEED}: ${edits} edits, ${done.kills} kills, NATS away ${done.nats} times, ` +
        `Postgres frozen ${done.frozen} times, ${way.dropped()} messages dropped; lost 0, doubled 0`,
    );
    expect(done.kills).toBeGreaterThan(0);
    expect(way.dropped()).toBeGreaterThan(0);
  },
  STORM_MS + 240_000,
);
