/**
 * Whether somebody said that this computer is not theirs: then the page keeps nothing of what it shows. Known before
 * anything is asked, because a copy is opened before anything is answered.
 */
const KEY = 'public-computer';

export const isPublicComputer = (storage: Pick<Storage, 'getItem'>): boolean => storage.getItem(KEY) === '1';

export function setPublicComputer(storage: Pick<Storage, 'setItem' | 'removeItem'>, isPublic: boolean): void {
  if (isPublic) storage.setItem(KEY, '1');
  else storage.removeItem(KEY);
}

/** What of the page is otherwise remembered over a visit: for this one only. */
export function forgetfulStorage(): Pick<Storage, 'getItem' | 'setItem'> {
  const values = new Map<string, string>();
  return { getItem: (key) => values.get(key) ?? null, setItem: (key, value) => void values.set(key, value) };
}
