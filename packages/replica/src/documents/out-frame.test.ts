import { encodeFrame } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { updateFrame } from './out-frame.ts';

test('an update is framed byte for byte as the encoder would', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40_000 }), (update) => {
      expect(updateFrame(update, 1).payload).toEqual(encodeFrame({ type: 'update', update }));
    }),
  );
});
