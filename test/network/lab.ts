/**
 * Networks on one machine: a public one, and homes behind routers of several kinds, each machine a network namespace.
 *
 *   home (10.0.N.2) ── router (10.0.N.1 │ 203.0.113.N) ──┐
 *                                                        ├─ 203.0.113.0/24
 *   public machine (203.0.113.N) ────────────────────────┘
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * How a router sends what comes from inside: not at all hidden, or by one port for all, or by a new one for each; the
 * last two are cones that let only TCP, or only UDP, out.
 */
export type NatKind = 'public' | 'cone' | 'symmetric' | 'no-udp' | 'no-tcp';

export type Machine = {
  readonly namespace: string;
  /** The one that others see it by. */
  readonly publicAddress: string;
  /** Its router forgets what it knew and is of another kind from now on. */
  setNat(kind: NatKind): Promise<void>;
  /** Its router sends on what comes for these ports, TCP and UDP, whatever kind it is. */
  forward(ports: readonly number[]): Promise<void>;
  /** What the other sends is dropped without a word, or is not any more; what this one sends is not touched. */
  setDeaf(other: Machine, isDeaf: boolean): Promise<void>;
  /** Whether its cable, or that of its router, is in. */
  setPlugged(isPlugged: boolean): Promise<void>;
  /** kill -9 of all that runs on it. */
  powerOff(): Promise<void>;
  spawn(file: string, args: readonly string[], options: { env: NodeJS.ProcessEnv; cwd?: string }): ChildProcess;
};

export type Lab = AsyncDisposable & {
  machine(kind: NatKind): Promise<Machine>;
};

/** Why there can be no lab here; null when there can. */
export async function whyNoLab(): Promise<string | null> {
  if (process.platform !== 'linux') return 'network namespaces are of Linux';
  if (process.getuid?.() !== 0) return 'only root makes network namespaces';
  for (const [file, arg] of [
    ['ip', '-V'],
    ['iptables', '-V'],
  ] as const) {
    const isThere = await run(file, [arg]).then(
      () => true,
      () => false,
    );
    if (!isThere) return `there is no ${file} here`;
  }
  const name = `markco-try-${process.pid}`;
  try {
    await run('ip', ['netns', 'add', name]);
    await run('ip', ['netns', 'exec', name, 'iptables', '-t', 'nat', '-L', '-n']);
    return null;
  } catch (error) {
    return `this system makes no network namespaces: ${error instanceof Error ? error.message.slice(0, 200) : ''}`;
  } finally {
    await run('ip', ['netns', 'del', name]).catch(() => undefined);
  }
}

export async function openLab(): Promise<Lab> {
  // Interfaces have names of 15 characters.
  const prefix = `mk${(process.pid % 46_656).toString(36)}`;
  const namespaces: string[] = [];
  const close = async (): Promise<void> => {
    for (const namespace of namespaces.splice(0).toReversed())
      await run('ip', ['netns', 'del', namespace]).catch(() => undefined);
  };
  let count = 0;
  const ip = (...args: string[]) => run('ip', args);
  const inside = (namespace: string, ...command: string[]) => run('ip', ['netns', 'exec', namespace, ...command]);

  async function namespaceOf(name: string): Promise<string> {
    const namespace = `${prefix}-${name}`;
    await ip('netns', 'add', namespace);
    namespaces.push(namespace);
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return namespace;
  }

  /** A cable from one to the other. */
  async function cable(from: string, to: string, name: string): Promise<{ from: string; to: string }> {
    const ends = { from: `${name}a`, to: `${name}b` };
    await ip('link', 'add', ends.from, 'netns', from, 'type', 'veth', 'peer', 'name', ends.to, 'netns', to);
    await ip('-n', from, 'link', 'set', ends.from, 'up');
    await ip('-n', to, 'link', 'set', ends.to, 'up');
    return ends;
  }

  const middle = await namespaceOf('net');
  try {
    await ip('-n', middle, 'link', 'add', 'bridge', 'type', 'bridge');
    await ip('-n', middle, 'link', 'set', 'bridge', 'up');
  } catch (error) {
    await close();
    throw error;
  }

  /** Answers the end that is at the machine, and the one in the middle. */
  async function plugIn(namespace: string, number: number): Promise<{ from: string; to: string }> {
    const ends = await cable(namespace, middle, `${prefix}w${number}`);
    await ip('-n', middle, 'link', 'set', ends.to, 'master', 'bridge');
    await ip('-n', namespace, 'address', 'add', `203.0.113.${number}/24`, 'dev', ends.from);
    return ends;
  }

  async function powerOff(namespace: string): Promise<void> {
    // What is killed may have begun something else a moment before.
    for (;;) {
      const { stdout } = await ip('netns', 'pids', namespace);
      const pids = stdout.split('\n').filter((line) => line !== '');
      if (pids.length === 0) return;
      for (const pid of pids)
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {
          // It ended by itself meanwhile.
        }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  return {
    async machine(kind) {
      const number = ++count + 1;
      const publicAddress = `203.0.113.${number}`;
      const namespace = await namespaceOf(`m${number}`);
      // Who has a router leaves what is dropped to it.
      const machine = (
        guard: { readonly namespace: string; readonly chain: 'INPUT' | 'FORWARD'; readonly plug: string },
        rest: Pick<Machine, 'setNat' | 'forward'>,
      ): Machine => ({
        ...{ namespace, publicAddress, ...rest },
        async setDeaf(other, isDeaf) {
          const rule = ['-s', other.publicAddress, '-j', 'DROP'];
          await inside(guard.namespace, 'iptables', '-w', isDeaf ? '-I' : '-D', guard.chain, ...rule);
        },
        setPlugged: async (isPlugged) =>
          void (await ip('-n', middle, 'link', 'set', guard.plug, isPlugged ? 'up' : 'down')),
        powerOff: () => powerOff(namespace),
        spawn: (file, args, { env, cwd }) =>
          spawn('ip', ['netns', 'exec', namespace, file, ...args], {
            env,
            stdio: ['ignore', 'pipe', 'pipe'],
            ...(cwd === undefined ? {} : { cwd }),
          }),
      });
      if (kind === 'public') {
        const { from, to } = await plugIn(namespace, number);
        // Neighbors are looked for on what has a way out.
        await ip('-n', namespace, 'route', 'add', 'default', 'dev', from);
        const noRouter = () => Promise.reject(new Error('it has no router'));
        return machine({ namespace, chain: 'INPUT', plug: to }, { setNat: noRouter, forward: noRouter });
      }
      const router = await namespaceOf(`r${number}`);
      const { from: outer, to: plug } = await plugIn(router, number);
      const inner = await cable(namespace, router, `${prefix}h${number}`);
      await ip('-n', namespace, 'address', 'add', `10.0.${number}.2/24`, 'dev', inner.from);
      await ip('-n', router, 'address', 'add', `10.0.${number}.1/24`, 'dev', inner.to);
      await ip('-n', namespace, 'route', 'add', 'default', 'via', `10.0.${number}.1`);
      await inside(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
      const rule = (table: string, ...rest: string[]) => inside(router, 'iptables', '-w', '-t', table, ...rest);
      const setNat = async (next: NatKind): Promise<void> => {
        await rule('nat', '-F');
        await rule('filter', '-F');
        const spread = next === 'symmetric' ? ['--random-fully'] : [];
        await rule('nat', '-A', 'POSTROUTING', '-o', outer, '-j', 'MASQUERADE', ...spread);
        if (next === 'no-udp' || next === 'no-tcp')
          await rule('filter', '-A', 'FORWARD', '-p', next.slice('no-'.length), '-j', 'DROP');
        const known = ['-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED,DNAT', '-j', 'ACCEPT'];
        for (const chain of ['FORWARD', 'INPUT']) {
          // What nobody inside asked for is dropped; answered, it would take the port that a hole needs.
          await rule('filter', '-A', chain, '-i', outer, ...known);
          await rule('filter', '-A', chain, '-i', outer, '-j', 'DROP');
        }
        // What it knew of connections goes with its outer address.
        await ip('-n', router, 'address', 'del', `${publicAddress}/24`, 'dev', outer);
        await ip('-n', router, 'address', 'add', `${publicAddress}/24`, 'dev', outer);
      };
      await setNat(kind);
      const forward = async (ports: readonly number[]): Promise<void> => {
        for (const protocol of ['tcp', 'udp'])
          for (const port of ports)
            await rule(
              ...(['nat', '-A', 'PREROUTING', '-i', outer, '-p', protocol, '--dport', String(port)] as const),
              ...['-j', 'DNAT', '--to-destination', `10.0.${number}.2:${port}`],
            );
      };
      return machine({ namespace: router, chain: 'FORWARD', plug }, { setNat, forward });
    },
    [Symbol.asyncDispose]: close,
  };
}
