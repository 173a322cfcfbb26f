import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { finished, ids, testDevice } from '../../runs/runs.fixture.ts';
import { NOTICE_MS } from '../idle.ts';

const HOUR = 3_600_000;

/** A device whose sessions fall asleep when told so. */
async function sleepy() {
  let ahead = 0;
  const device = await testDevice({ ids: { ...ids, now: () => Date.now() + ahead }, idleMs: HOUR });
  return Object.assign(device, {
    run: async (code: string) => (await finished(device.runs, device.request(code))).text,
    async sleep() {
      ahead += HOUR;
      await device.runs.sessions.look();
      ahead += NOTICE_MS;
      await device.runs.sessions.look();
      expect(device.runs.sessions.list()[0]?.state).toBe('cold');
    },
  });
}

const VALUES = `import math as m, dataclasses, collections
x = [1, 2]
y = x
G = 10
def f(a, b=2): return a + b + G
def counter():
    n = 0
    def more():
        nonlocal n
        n += 1
        return n
    def now(): return n
    return more, now
more, now = counter()
more()
@dataclasses.dataclass
class P:
    a: int
    b: list = dataclasses.field(default_factory=list)
    @property
    def double(self): return self.a * 2
    @classmethod
    def called(cls): return cls.__name__
class Q(P):
    def __init__(self): super().__init__(9)
class S:
    __slots__ = ("v",)
q = Q()
s = S()
s.v = 4
fact = lambda n: 1 if n == 0 else n * fact(n - 1)
Pair = collections.namedtuple("Pair", "left right")
pair = Pair(1, 2)`;
const CHECKS = `G = 20
more()
print([x is y, f(1), now(), q.double, isinstance(q, P), Q.called(), P(1) == P(1), dataclasses.replace(P(3), a=7), s.v, fact(5), pair.right, m.pi > 3])`;

test('values come back as they were: shared ones, functions, closures, classes and what was made of them', async () => {
  await using device = await sleepy();
  await device.run(VALUES);
  await device.sleep();
  const [told, found] = (await device.run(CHECKS)).split('\n');
  expect(told).toBe('This session was asleep. Its values are back (18 names).');
  expect(found).toBe("[True, 23, 2, 18, True, 'Q', True, P(a=7, b=[]), 4, 120, 2, True]");
});

test('what cannot be kept is named, and everything else is kept', async () => {
  await using device = await sleepy();
  await device.run('import threading\ng = (i for i in range(3))\nlock = threading.Lock()\nx = 5');
  await device.sleep();
  expect(await device.run('print(x)')).toBe(
    'This session was asleep. Its values are back (2 names). Not kept: g, lock.\n5\n',
  );
});

test('values are no longer on disk once they are back, nor after a session was restarted', async () => {
  await using device = await sleepy();
  await device.run('x = "kept"');
  await device.sleep();
  const [session] = device.runs.sessions.list();
  if (session === undefined) throw new Error('there is no session');
  const file = path.join(device.home, 'sessions', session.id, 'values');
  expect(await readFile(file, 'latin1')).toContain('kept');
  await device.run('x');
  await expect(stat(file)).rejects.toThrow('ENOENT');
  await device.sleep();
  expect((await stat(file)).mode & 0o077).toBe(0);
  await device.runs.sessions.restart(session.id, AbortSignal.timeout(20_000));
  await expect(stat(file)).rejects.toThrow('ENOENT');
});
