/** T10: what a device may send, at each limit and one beyond it. */
import { expect, test } from 'vitest';
import { COST } from '@markco/replica/replicate/cost';
import { CONDUCT, createConducts, CUT_MS } from './conduct.ts';

function setUp() {
  const clock = { at: 0 };
  const cuts: string[] = [];
  const conducts = createConducts({ now: () => clock.at, onCut: (peerId) => void cuts.push(peerId) });
  return { clock, cuts, conducts, peer: conducts.of('peer') };
}

test('FLOOD-1 a burst of messages is let in; the next one waits until there is room, and nobody is cut', () => {
  const { clock, cuts, peer } = setUp();
  for (let n = 0; n < CONDUCT.messagesBurst; n++) expect(peer.admit(1)).toBe(0);
  const wait = peer.admit(1);
  expect(wait).toBe(Math.ceil(1_000 / CONDUCT.messagesPerSecond));
  expect(peer.admit(1)).toBe(wait);
  clock.at += wait;
  expect(peer.admit(1)).toBe(0);
  expect(peer.admit(1)).toBeGreaterThan(0);
  clock.at += 1_000;
  let admitted = 0;
  while (peer.admit(1) === 0) admitted++;
  expect(admitted).toBe(CONDUCT.messagesPerSecond);
  expect(cuts).toEqual([]);
});

test('FLOOD-2 a whole document of bytes is let in at once, one byte more waits; a message larger than the burst is paid back', () => {
  const { clock, cuts, peer } = setUp();
  for (let n = 0; n < 64; n++) expect(peer.admit(1024 * 1024)).toBe(0);
  expect(peer.admit(1)).toBe(1);
  clock.at += 1_000;
  expect(peer.admit(CONDUCT.bytesPerSecond + 1)).toBe(1);
  expect(peer.admit(CONDUCT.bytesPerSecond)).toBe(0);
  clock.at += 3_600_000;
  expect(peer.admit(2 * CONDUCT.bytesBurst)).toBe(0);
  expect(peer.admit(1)).toBeGreaterThan(CONDUCT.bytesBurst / CONDUCT.bytesPerSecond);
  expect(cuts).toEqual([]);
});

test('FLOOD-3 what tells nothing new is cut off one beyond its burst, and let in again after a minute', () => {
  const { clock, cuts, conducts, peer } = setUp();
  for (let n = 0; n < CONDUCT.wasteBurst; n++) peer.wasted(COST.repeat);
  expect([cuts, conducts.cutOff('peer')]).toEqual([[], undefined]);
  peer.wasted(COST.repeat);
  expect(cuts).toEqual(['peer']);
  expect(conducts.cutOff('peer')?.code).toBe('too_many');
  expect(conducts.cutOff('another')).toBeUndefined();
  peer.wasted(COST.unreadable);
  expect(cuts).toEqual(['peer']);
  clock.at += CUT_MS - 1;
  expect(conducts.cutOff('peer')).toBeDefined();
  clock.at += 1;
  expect(conducts.cutOff('peer')).toBeUndefined();
});

test('FLOOD-3 each edit that is new pays for its coming back from every device, at any speed', () => {
  const { cuts, conducts, peer } = setUp();
  for (let n = 0; n < 100 * CONDUCT.wasteBurst; n++) {
    conducts.news(1);
    peer.wasted(COST.repeat);
  }
  expect(cuts).toEqual([]);
  for (let n = 0; n <= CONDUCT.wasteBurst; n++) peer.wasted(COST.repeat);
  expect(cuts).toEqual(['peer']);
});

test('FLOOD-3 streams and messages that cannot be read cost more', () => {
  for (const [cost, most] of [
    [COST.stream, 400],
    [COST.heavy, 80],
    [COST.unreadable, 8],
  ] as const) {
    const { cuts, peer } = setUp();
    for (let n = 0; n < most; n++) peer.wasted(cost);
    expect(cuts).toEqual([]);
    peer.wasted(cost);
    expect(cuts).toEqual(['peer']);
  }
});
