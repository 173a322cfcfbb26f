/** Over HTTP, for who is at this device: whether its others answer, what it can do on the network, its recovery words. */
import { Failure, type DeviceId } from '@markco/protocol';
import type { Mesh } from '../../mesh/mesh.ts';
import type { Networks } from '../../mesh/networks.ts';
import type { Others } from '../../mesh/others.ts';
import { netcheck, reach } from '../../mesh/reach.ts';
import { trace } from '../../mesh/trace.ts';
import type { Trust } from '../../mesh/trust.ts';
import type { SomeHandlers } from '@markco/replica/listen/handlers';

export type ReachRoutesParts = {
  readonly others: Pick<Others, 'known'>;
  readonly networks: () => Networks;
  readonly now: () => number;
};

export function reachRoutes({
  others,
  networks,
  now,
}: ReachRoutesParts): SomeHandlers<'pingDevice' | 'traceDevice' | 'netcheck' | 'recoveryPhrase'> {
  async function meshHere(): Promise<Mesh> {
    const open = await others.known();
    if (open === null) throw new Failure('not_found', 'This device has no others yet. Add one with: markco pair');
    return open.mesh;
  }

  return {
    async pingDevice({ params }) {
      return reach(await meshHere(), params['id'] as DeviceId, networks(), now);
    },
    async traceDevice({ params }) {
      return trace(await meshHere(), params['id'] as DeviceId, networks(), now);
    },
    async netcheck() {
      return netcheck((await others.known())?.mesh ?? null, networks(), now);
    },
    async recoveryPhrase({ request }) {
      // The page's cookie stands for the token everywhere but here: no script of a page gets to these words.
      if (!/^Bearer \S+$/.test(request.headers.get('authorization') ?? ''))
        throw new Failure('forbidden', 'The recovery words are shown by the command line alone: markco recovery');
      const open = await others.known();
      if (open === null)
        throw new Failure(
          'not_found',
          'There are no recovery words yet: they are made with the first pairing. Add a device with: markco pair',
        );
      const { rootSeed } = open.trust;
      if (rootSeed === null)
        throw new Failure(
          'not_found',
          `This device does not have the recovery words: only ${makerOf(open.trust)} does. Type there: markco recovery`,
        );
      // Loaded already, by what opened the mesh; a device that is alone never loads it.
      const { phraseOf } = await import('@markco/protocol/identity');
      return { words: phraseOf(rootSeed).split(' ') };
    },
  };
}

/** The device that the root key itself added first is the one that made it. */
function makerOf({ log }: Trust): string {
  for (const { author, body } of log.entries.values())
    if (author === 'root' && body.type === 'addDevice') return body.name;
  return 'the device that was your first';
}
