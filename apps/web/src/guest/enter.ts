/**
 * How a guest comes in: what is secret in the link leaves the address bar before anything else happens, is traded for a
 * cookie of that link, and what the link leads to is asked for.
 */
import type { Api } from '@markco/client';
import { Failure, type Joined } from '@markco/protocol';
import { guestBase, type GuestAddress } from './address.ts';

export type EnterParts = {
  readonly history: Pick<History, 'replaceState'>;
  readonly api: Api;
  /** As a guest of this link. */
  readonly apiOf: (share: string) => Api;
};

/** Resolves to what went wrong instead, where something did. */
export async function enter(address: GuestAddress, { history, api, apiOf }: EnterParts): Promise<Joined | Failure> {
  try {
    if (address.kind === 'shared') return await apiOf(address.id)('joined', {});
    history.replaceState(null, '', '/join/');
    const { id } = await api('join', { body: { token: address.token } });
    history.replaceState(null, '', `${guestBase(id)}/`);
    return await apiOf(id)('joined', {});
  } catch (error) {
    return Failure.from(error);
  }
}
