/** How many strangers there may be, and for how long. */
import { expect, test, vi } from 'vitest';
import { createStrangers } from './strangers.ts';

test('strangers are ten at once for ten seconds each, but for those that somebody keeps or who became known', () => {
  vi.useFakeTimers();
  try {
    const [known, kept, hungUp] = [new Set<string>(), new Set(['kept']), [] as string[]];
    const strangers = createStrangers({
      isKnown: (peerId) => known.has(peerId),
      isKept: (peerId) => kept.has(peerId),
      hangUp: (peerId) => void hungUp.push(peerId),
    });
    for (const peerId of ['kept', 'added', ...Array.from({ length: 8 }, (_, index) => `s${index}`)]) {
      expect(strangers.hasRoom(peerId)).toBe(true);
      strangers.came(peerId);
    }
    expect([strangers.hasRoom('eleventh'), strangers.hasRoom('kept')]).toEqual([false, true]);
    strangers.left('s7');
    expect(strangers.hasRoom('eleventh')).toBe(true);
    known.add('added');
    vi.advanceTimersByTime(9_999);
    expect(hungUp).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(hungUp).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's6']);
    vi.advanceTimersByTime(60_000);
    expect(hungUp).not.toContain('kept');
    kept.clear();
    vi.advanceTimersByTime(10_000);
    expect(hungUp.at(-1)).toBe('kept');
    strangers.close();
  } finally {
    vi.useRealTimers();
  }
});
