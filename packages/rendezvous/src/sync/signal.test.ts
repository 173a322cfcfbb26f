/** Browsers that find each other: what they are told, and what they may ask. */
import { newId, type Failure, type UserId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSignaling, type Signaling } from './signal.ts';

const ids = { now: Date.now, randomBytes };
const [ada, bob] = [newId<UserId>(ids), newId<UserId>(ids)];

function browser(signaling: Signaling, userId: UserId) {
  const heard: unknown[] = [];
  const refused: string[] = [];
  const state = { isBehind: false };
  let onText: (text: string) => void = () => undefined;
  let onBytes: (bytes: Uint8Array) => void = () => undefined;
  const onClose: (() => void)[] = [];
  signaling.serve(
    {
      behind: () => state.isBehind,
      text: (json) => void heard.push(json),
      onText: (listener) => void (onText = listener),
      onBytes: (listener) => void (onBytes = listener),
      onClose: (listener) => void onClose.push(listener),
      refuse: (failure: Failure) => void refused.push(failure.code),
    },
    userId,
  );
  return {
    ...{ heard, refused, state },
    say: (message: unknown) => onText(JSON.stringify(message)),
    sayText: (text: string) => onText(text),
    sayBytes: (bytes: Uint8Array) => onBytes(bytes),
    close: () => {
      for (const listener of onClose) listener();
    },
  };
}

test('whoever subscribed hears what is published there until it leaves, as often as it asked to', () => {
  const signaling = createSignaling();
  const [one, two, other] = [browser(signaling, ada), browser(signaling, ada), browser(signaling, ada)];
  one.say({ type: 'subscribe', topics: ['room', 'room'] });
  two.say({ type: 'subscribe', topics: ['room'] });
  other.say({ type: 'subscribe', topics: ['elsewhere'] });
  one.say({ type: 'publish', topic: 'room', data: { offer: 1 } });
  const told = { type: 'publish', topic: 'room', data: { offer: 1 }, clients: 2 };
  expect([one.heard, two.heard, other.heard]).toEqual([[told], [told], []]);
  two.say({ type: 'unsubscribe', topics: ['room'] });
  one.close();
  other.say({ type: 'publish', topic: 'room', data: { offer: 2 } });
  expect([one.heard, two.heard]).toEqual([[told], [told]]);
  one.say({ type: 'ping' });
  expect(one.heard.at(-1)).toEqual({ type: 'pong' });
});

test('the browsers of one person are not told of those of another one', () => {
  const signaling = createSignaling();
  const [hers, his] = [browser(signaling, ada), browser(signaling, bob)];
  hers.say({ type: 'subscribe', topics: ['room'] });
  his.say({ type: 'subscribe', topics: ['room'] });
  his.say({ type: 'publish', topic: 'room' });
  expect(hers.heard).toEqual([]);
  expect(his.heard).toEqual([{ type: 'publish', topic: 'room', clients: 1 }]);
});

test('what is no message of y-webrtc, too large or too many ends the connection, at the bound and one beyond it', () => {
  const signaling = createSignaling();
  const wrongs: readonly (readonly [string, (one: ReturnType<typeof browser>) => void])[] = [
    ['bad_request', (one) => one.sayText('{')],
    ['bad_request', (one) => one.say({ type: 'shout', topic: 'room' })],
    ['bad_request', (one) => one.say({ type: 'subscribe', topics: [''] })],
    ['bad_request', (one) => one.say({ type: 'subscribe', topics: ['x'.repeat(201)] })],
    ['bad_request', (one) => one.sayBytes(Uint8Array.of(1))],
    ['too_large', (one) => one.sayText(`{"type":"ping"}${' '.repeat(64 * 1024)}`)],
  ];
  for (const [code, wrong] of wrongs) {
    const one = browser(signaling, ada);
    wrong(one);
    expect(one.refused).toEqual([code]);
  }
  const many = browser(signaling, ada);
  many.say({ type: 'subscribe', topics: Array.from({ length: 100 }, (_, at) => `topic ${at}`) });
  many.say({ type: 'publish', topic: 'topic 99', data: 'x'.repeat(60 * 1024) });
  expect([many.refused, many.heard.length]).toEqual([[], 1]);
  many.say({ type: 'subscribe', topics: ['one more'] });
  expect(many.refused).toEqual(['too_many']);
});

test('whoever reads too slowly misses what was said, and the others do not wait', () => {
  const signaling = createSignaling();
  const [slow, quick] = [browser(signaling, ada), browser(signaling, ada)];
  for (const one of [slow, quick]) one.say({ type: 'subscribe', topics: ['room'] });
  slow.state.isBehind = true;
  quick.say({ type: 'publish', topic: 'room' });
  expect([slow.heard.length, quick.heard.length]).toEqual([0, 1]);
});
