/** A shortcut as the keys one presses. */
import { signs } from '../commands/keys.ts';

export const apple = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '');

export function Keys({ keys }: { readonly keys: string }) {
  return (
    <span class="keys">
      {signs(keys, apple).map((sign, index) => (
        <kbd key={index}>{sign}</kbd>
      ))}
    </span>
  );
}
