/**
 * A network on which containers reach the internet and nothing nearer: no private address, none of the machine itself,
 * no metadata of a cloud machine, no other container.
 *
 * 1. Its rules are there before a container is on it. Where they cannot be made there is no network: nothing falls back
 *    to one without them.
 * 2. What leaves by its bridge is judged before any rule of Docker (`DOCKER-USER`), what is for the machine itself not
 *    let in at all. Names are looked up by Docker, on its own side.
 */
import { Failure } from '@markco/protocol';
import type { Engine } from './engine.ts';

export const EGRESS = 'markco-egress';
const BRIDGE = 'markco0';
const CHAIN = 'MARKCO-EGRESS';

/** What is not the internet (RFC 6890), broadcast and multicast with it. */
const NEAR = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const;

/** Runs `iptables`; rejects when it fails. */
export type Firewall = (args: readonly string[]) => Promise<unknown>;

/** `forbidden` when the rules cannot be made. Doing it again changes nothing. */
export async function ensureEgress(engine: Engine, firewall: Firewall, signal: AbortSignal): Promise<void> {
  await engine.call('GET', `/networks/${EGRESS}`, signal).catch(async (error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'not_found') throw error;
    await engine.call('POST', '/networks/create', signal, {
      Name: EGRESS,
      CheckDuplicate: true,
      Driver: 'bridge',
      EnableIPv6: false,
      Options: {
        'com.docker.network.bridge.name': BRIDGE,
        'com.docker.network.bridge.enable_icc': 'false',
      },
    });
  });
  try {
    await makeRules(firewall);
  } catch (cause) {
    throw new Failure(
      'forbidden',
      'The rules that keep containers off this network could not be made, so they get none. Run the device as a user who may use iptables, or set MARKCO_CONTAINER_NETWORK=none.',
      { cause },
    );
  }
}

async function makeRules(firewall: Firewall): Promise<void> {
  await firewall(['-N', CHAIN]).catch(() => undefined); // It is there.
  for (const near of NEAR) await have(firewall, CHAIN, ['-d', near, '-j', 'DROP']);
  await have(firewall, 'DOCKER-USER', ['-i', BRIDGE, '-j', CHAIN]);
  await have(firewall, 'INPUT', ['-i', BRIDGE, '-j', 'DROP']);
}

/** Before all others. */
async function have(firewall: Firewall, chain: string, rule: readonly string[]): Promise<void> {
  const isThere = await firewall(['-C', chain, ...rule]).then(
    () => true,
    () => false,
  );
  if (!isThere) await firewall(['-I', chain, '1', ...rule]);
}
