/**
 * Two processes of one cloud, and everything below and between them going away at random while people type and cells run
 * on a plain agent: nothing that was acknowledged is lost, nothing is there twice, and everybody ends with the same text.
 *
 * `MARKCO_STORM_MS` says for how long, `MARKCO_SEED` which storm.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud, Document, RunId } from '@markco/protocol';
import { NO_NATS, startLossyWay, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test } from 'vitest';
import { startCloud, type CloudProgram } from '../../conformance/cloud.fixture.ts';
import { placeOf } from '../../conformance/agents.fixture.ts';
import { eventually, newRunId, startDevice } from '../../conformance/device.fixture.ts';
import { follow } from '../../conformance/follow.fixture.ts';
import { printedBy, startSpeaker } from '../../conformance/speaker.fixture.ts';
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
  `two processes are killed at random for ${STORM_MS / 1_000} s, NATS goes and comes, Postgres freezes: no acknowledged edit or event of a run is lost or doubled`,
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
    const { id: documentId } = await laptop.document('one');
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

    const places = [first, second].map((cloud) => placeOf(cloud, laptop.userId, laptop.project.id, documentId));
    const [place] = places;
    const { id: agent, token } = (await place?.addAgent('attic')) ?? expect.unreachable();
    using speaker = startSpeaker(token, () => (up.size === 0 ? undefined : door()));
    await eventually(() => speaker.isConnected(), 'the agent', SOON_MS);

    const until = performance.now() + STORM_MS;
    const done = { kills: 0, nats: 0, frozen: 0 };
    let isOver = false;
    const typing = typists.map(async ({ typist }) => {
      while (!isOver) {
        typist.type();
        await pause(40 + Math.random() * 120);
      }
    });

    /** One run after another, each begun at any process; those that were never handed out are told to be lost. */
    const runs: { readonly id: RunId; readonly printed: number }[] = [];
    let neverBegun = 0;
    async function runOne(): Promise<void> {
      const id = newRunId();
      const body = { id, runOn: agent };
      const submit = () =>
        placeAt(door())
          .submit('1', body)
          .catch(() => undefined);
      const wasLost = async () =>
        (
          await placeAt(door())
            .run(id)
            .catch(() => undefined)
        )?.error?.type === 'lost';
      await eventually(async () => 'state' in ((await submit()) ?? {}), 'a run to be taken', SOON_MS);
      await eventually(async () => speaker.handed.includes(id) || wasLost(), 'a run to be handed out', SOON_MS).catch(
        async (cause: unknown) => {
          // What the processes make of it, for whoever has to find out.
          const seen = await Promise.all(places.map((each) => each.run(id).catch(String)));
          const agents = await Promise.all(places.map((each) => each.ask('GET', '/api/agents').catch(String)));
          const at = JSON.stringify({
            connected: speaker.isConnected(),
            seen,
            agents,
            done,
            left: until - performance.now(),
          });
          throw new Error(`seed ${SEED}: ${at}`, { cause });
        },
      );
      if (!speaker.handed.includes(id)) return void neverBegun++;
      await pause(1_000 + random() * 3_000);
      speaker.finish(id);
      runs.push({ id, printed: speaker.printed(id) });
    }
    const placeAt = (cloud: CloudProgram) => places[cloud === first ? 0 : 1] ?? expect.unreachable();
    const running = (async () => {
      do await runOne();
      while (!isOver);
    })();

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
    await Promise.all([...typing, running]);

    for (const { id, printed } of runs)
      for (const { run, text } of await Promise.all([first, second].map((cloud) => follow(cloud.client(), id)))) {
        expect(run, `seed ${SEED}`).toMatchObject({ state: 'completed', ranOn: 'attic' });
        expect(text, `seed ${SEED}`).toBe(printedBy(printed));
      }
    expect(new Set(speaker.handed).size).toBe(speaker.handed.length);

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
    const events = runs.reduce((sum, { printed }) => sum + printed, 0);
    const edits = typists.reduce((sum, { typist }) => sum + typist.typed.length, 0);
    console.log(
      `storm ${STORM_MS} ms, MARKCO_SEED=${SEED}: ${edits} edits, ${events} events of ${runs.length} runs (${neverBegun} never begun), ${done.kills} kills, NATS away ${done.nats} times, ` +
        `Postgres frozen ${done.frozen} times, ${way.dropped()} messages dropped; lost 0, doubled 0`,
    );
    expect(done.kills).toBeGreaterThan(0);
    expect(way.dropped()).toBeGreaterThan(0);
  },
  STORM_MS + 240_000,
);
