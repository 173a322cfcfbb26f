/** What this tab remembers while the page is away: that it went to show who is there, or that the account is gone. Told once. */
type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>;

const CONFIRMING = 'account-confirming';
const DELETED = 'account-deleted';

function once(storage: Storage, key: string): boolean {
  const isSet = storage.getItem(key) === '1';
  storage.removeItem(key);
  return isSet;
}

export const beganConfirming = (storage: Storage): void => storage.setItem(CONFIRMING, '1');
export const isConfirming = (storage: Storage): boolean => storage.getItem(CONFIRMING) === '1';
export const cameBack = (storage: Storage): boolean => once(storage, CONFIRMING);
export const noteDeleted = (storage: Storage): void => storage.setItem(DELETED, '1');
export const wasDeleted = (storage: Storage): boolean => once(storage, DELETED);
