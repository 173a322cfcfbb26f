/** Values as people see them: MIME bundles, `display()`, errors. */
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';

const MIME = /^[\w.+-]+\/[\w.+-]+$/;
const SHOWN = { colors: false, depth: 4, maxArrayLength: 100, maxStringLength: 20_000, breakLength: 80 };

export function textOf(value, options = {}) {
  try {
    return inspect(value, { ...SHOWN, ...options });
  } catch (error) {
    return `[a ${typeof value} that cannot be shown: ${String(error)}]`;
  }
}

/** An object whose every key is a MIME type is a bundle; everything else is shown as text. */
export function bundleOf(value) {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (keys.length === 0 || !keys.every((key) => MIME.test(key))) return { 'text/plain': textOf(value) };
  return Object.fromEntries(keys.map((key) => [key, dataOf(value[key])]));
}

function dataOf(value) {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

/** `display(value, { id })` shows a value under the cell; `update` of what it returns shows another in its place. */
export function createDisplay(show) {
  return (value, { id = randomUUID(), metadata = {} } = {}) => {
    const send = (shown, update) =>
      show({ data: bundleOf(shown), metadata: { ...metadata, displayId: String(id), update } });
    send(value, false);
    return { id, update: (next) => send(next, true) };
  };
}
