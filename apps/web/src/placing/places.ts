/**
 * The user's devices as the page knows them, for whatever says where something runs, and the question to a person where
 * it shall run. They are asked for when there is reason to: at the start, when a run waits or its device is silent, when
 * the page is looked at again, and now and then while it is.
 */
import type { Client } from '@markco/client';
import {
  newId,
  runMachine,
  type DeviceHere,
  type DeviceId,
  type IdSource,
  type Run,
  type RunId,
} from '@markco/protocol';
import { isHost } from '@markco/protocol/identity/caps';
import { effect, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { EditorParts, PlaceAsk, PlaceDevice } from '../editor/index.ts';

/** A device that is gone is seen to be within 30 s, and its network takes most of them. */
const LOOK_MS = 10_000;
const ASKED_MAX = 200;
/** Many runs that change at once are one reason. */
const GATHER_MS = 200;

export type Places = EditorParts['places'] & {
  readonly known: ReadonlySignal<readonly PlaceDevice[]>;
  /** What a person is asked now. */
  readonly asked: Signal<PlaceAsk | undefined>;
  refresh(): void;
  /** Runs that were canceled here while their device did not answer; of more than are kept, the last. */
  readonly cancelAsked: ReadonlySignal<ReadonlySet<RunId>>;
  cancel(run: Run): Promise<Run>;
  /**
   * Runs the code of a run on another device, as a run of its own, and answers with that. One that only waited is
   * canceled first; null when it began at that moment, so that nothing was copied.
   */
  copy(run: Run, on: DeviceId): Promise<Run | null>;
  close(): void;
};

export type PlacesParts = {
  readonly client: Pick<Client, 'api' | 'connection' | 'submitRun' | 'cancelRun'>;
  readonly ids: IdSource;
  readonly runs: ReadonlySignal<readonly Run[]>;
  /** Whether somebody looks at the page, and how to be told when that changes. */
  readonly page: Pick<Document, 'hidden' | 'addEventListener' | 'removeEventListener'>;
};

export function createPlaces({ client, ids, runs, page }: PlacesParts): Places {
  const known = signal<readonly PlaceDevice[]>([]);
  const asked = signal<PlaceAsk | undefined>(undefined);
  let gathering: ReturnType<typeof setTimeout> | undefined;
  const cancelAsked = signal<ReadonlySet<RunId>>(new Set());
  const closing = new AbortController();
  let turn = 0;

  async function look(): Promise<void> {
    const mine = ++turn;
    const { devices } = await client.api('devices', {});
    const next = devices.filter(({ kind }) => isHost(kind)).map(placeOf);
    if (mine === turn && JSON.stringify(next) !== JSON.stringify(known.peek())) known.value = next;
  }
  const refresh = (): void => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      // The page says itself when the device does not answer.
      look().catch(() => undefined);
    }, GATHER_MS);
  };
  const lookAgain = (): void => {
    if (!page.hidden) refresh();
  };

  refresh();
  page.addEventListener('visibilitychange', lookAgain);
  const timer = setInterval(lookAgain, LOOK_MS);
  const stops = [
    client.connection.subscribe(({ state }) => {
      if (state === 'online') refresh();
    }),
    effect(() => {
      if (runs.value.some(isReason)) refresh();
    }),
    () => clearInterval(timer),
    () => clearTimeout(gathering),
    () => page.removeEventListener('visibilitychange', lookAgain),
  ];

  function isReason(run: Run): boolean {
    if (runMachine.isTerminal(run.state)) return false;
    const { deviceId } = run.routedTo;
    const isUnknown = deviceId !== undefined && !known.peek().some(({ id }) => id === deviceId);
    return isUnknown || run.waitsFor !== undefined || run.unreachable !== undefined;
  }

  return {
    known,
    asked,
    refresh,
    devices: () => known.peek(),
    subscribe: (listener) => {
      let isFirst = true;
      return effect(() => {
        void known.value;
        if (!isFirst) listener();
        isFirst = false;
      });
    },
    choose: (ask) => (asked.value = ask),
    cancelAsked,
    async cancel({ id }) {
      const run = await client.cancelRun(id);
      if (run.unreachable !== undefined) cancelAsked.value = new Set([...cancelAsked.peek(), id].slice(-ASKED_MAX));
      return run;
    },
    async copy({ id, projectId, documentId, cellId, language, code, waitsFor }, on) {
      if (waitsFor !== undefined && (await client.cancelRun(id)).state !== 'cancelled') return null;
      const what = { projectId, language, code, runOn: on };
      const cell = { ...(documentId === undefined ? {} : { documentId }), ...(cellId === undefined ? {} : { cellId }) };
      return client.submitRun({ id: newId<RunId>(ids), ...what, ...cell }, closing.signal);
    },
    close() {
      closing.abort();
      for (const stop of stops) stop();
    },
  };
}

function placeOf({ id, name, connection }: DeviceHere): PlaceDevice {
  const isAway = connection !== undefined && connection.state !== 'connected';
  return { id, name, isHere: connection === undefined, awaySince: isAway ? Date.parse(connection.since) : null };
}
