/**
 * The runs of a project, wherever they are: told by each device while it is connected, and all of its latest when it has
 * connected again. One whose device is gone for SILENT_MS is said not to answer: it may run there, or have ended. One that
 * waits for its device is told by who keeps it.
 */
import { runMachine, type DeviceId, type ProjectId, type Run, type RunId } from '@markco/protocol';
import type { Client, ProjectChange } from '../../client.ts';
import type { ThisDevice } from './this-device.ts';

const LATEST = '50';
const SILENT_MS = 5_000;
/** Runs that have not ended, as last told; of more, the oldest are only not said to be silent. */
const ACTIVE_MAX = 200;

/** @param remember told of each run and where it is; answers what a person is told of it */
export function createRunWatch(
  device: Pick<ThisDevice, 'hosts' | 'client' | 'peers' | 'trust'>,
  remember: (run: Run, at: DeviceId) => Run,
): Pick<Client, 'watchProject'> & { learn(run: Run, at: DeviceId): Run } {
  const active = new Map<RunId, { readonly run: Run; readonly at: DeviceId }>();
  const watches = new Set<{ readonly projectId: ProjectId; readonly tell: (run: Run) => void }>();

  function learn(told: Run, at: DeviceId): Run {
    const run = remember(told, at);
    active.delete(run.id);
    if (!runMachine.isTerminal(run.state)) active.set(run.id, { run, at });
    const [oldest] = active.keys();
    if (active.size > ACTIVE_MAX && oldest !== undefined) active.delete(oldest);
    return run;
  }

  const isConnected = (id: DeviceId): boolean => device.hosts().some(({ deviceId }) => deviceId === id);

  /** Its host, while that is there; but only who kept it knows that it waits, or ended without having begun. */
  function knowsBest(run: Run, at: DeviceId): boolean {
    const host = run.routedTo.deviceId ?? at;
    return host === at || !isConnected(host) || run.waitsFor !== undefined || runMachine.isTerminal(run.state);
  }

  function saySilent(at: DeviceId): void {
    if (isConnected(at)) return;
    const unreachable = new Date(device.trust.now()).toISOString();
    for (const { run, at: host } of active.values())
      for (const { projectId, tell } of host === at ? watches : [])
        if (run.projectId === projectId && run.waitsFor === undefined) tell({ ...run, unreachable });
  }

  device.peers.onPeer(({ deviceId }, isThere) => {
    if (!isThere) setTimeout(() => saySilent(deviceId), SILENT_MS);
  });

  return {
    learn,
    watchProject(projectId, onChange) {
      const stops = new Map<DeviceId, () => void>();
      const watch = { projectId, tell: (run: Run): void => onChange({ projectId, run }) };
      watches.add(watch);

      function follow(at: DeviceId): void {
        const client = device.client(at);
        const change = ({ run }: ProjectChange): void => {
          if (run !== undefined && knowsBest(run, at)) watch.tell(learn(run, at));
        };
        if (!stops.has(at)) stops.set(at, client.watchProject(projectId, change));
        client.api('runs', { query: { projectId, limit: LATEST } }).then(
          ({ runs }) => {
            if (!watches.has(watch)) return;
            // Oldest first: a cell shows its last.
            for (const run of runs.toReversed()) if (knowsBest(run, at)) watch.tell(learn(run, at));
          },
          // It is asked again once it is connected again.
          () => undefined,
        );
      }

      for (const { deviceId } of device.hosts()) follow(deviceId);
      const stopHearing = device.peers.onPeer(({ deviceId }, isThere) => {
        if (isThere && isConnected(deviceId)) follow(deviceId);
      });
      return () => {
        watches.delete(watch);
        stopHearing();
        for (const stop of stops.values()) stop();
      };
    },
  };
}
