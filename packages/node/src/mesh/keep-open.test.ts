/** Which streams are opened again, and when. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Failure } from '@markco/protocol';
import { createKeepOpen } from './keep-open.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The streams that were opened so far: how to end each. */
function kept() {
  const end: ((why: Failure | null) => void)[] = [];
  const facts = { isGreeted: true };
  const keepOpen = createKeepOpen({
    host: {
      open: async () => ({ onClose: (listener) => void end.push(listener), close: () => undefined }) as MessageStream,
      onBetterPath: () => undefined,
    },
    isGreeted: () => facts.isGreeted,
    onOpen: () => undefined,
    onTrouble: () => undefined,
  });
  const over = keepOpen.keepOpen('box', '/markco/control/1.0.0', () => undefined);
  return { end, facts, over };
}

test('a stream that ends with its connection is opened on the next one at once; one that ends at once, after a while', async () => {
  const { end, facts, over } = kept();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(end).toHaveLength(1);
  end[0]?.(null);
  await vi.advanceTimersByTimeAsync(0);
  expect(end).toHaveLength(2);
  end[1]?.(null);
  await vi.advanceTimersByTimeAsync(900);
  expect(end).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(200);
  expect(end).toHaveLength(3);
  facts.isGreeted = false;
  end[2]?.(null);
  await vi.advanceTimersByTimeAsync(1_100);
  await over;
  expect(end).toHaveLength(3);
});
