/**
 * Who comes with a token: the token of the cloud is its operator's, a cookie is a session, of an account or of a share
 * link, a device has one of ten minutes, and a plain agent has its own. Decided from memory, in the turn it is asked.
 */
import type { Guest, Person, PlainAgent } from '@markco/protocol';
import type { TokenPlace } from '@markco/replica/listen/guard';
import type { Ticket } from '@markco/replica/listen/tickets';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccountRow } from './account-row.ts';
import type { Accounts } from './accounts.ts';
import type { DeviceTokens } from './device-tokens.ts';
import { hashOf, type Session, type Sessions } from './sessions.ts';
import type { ShareRow, Shares } from '../shares/shares.ts';

export type WhoParts = {
  /** Of this cloud, as it is now. */
  readonly token: () => string;
  readonly accounts: Accounts;
  readonly sessions: Pick<Sessions, 'find' | 'get'>;
  readonly shares: Pick<Shares, 'get'>;
  readonly deviceTokens: Pick<DeviceTokens, 'find'>;
};

export function createWho({ token, accounts, sessions, shares, deviceTokens }: WhoParts) {
  const isToken = (given: string): boolean =>
    timingSafeEqual(digest(given), digest(token())) && !accounts.operator().revokedTokens.includes(hashOf(given));

  return (given: string, from: TokenPlace): Person | Guest | PlainAgent | undefined => {
    // A browser sends its cookie by itself, so that is never a key that cannot be ended one by one.
    if (from !== 'cookie' && isToken(given)) return personOf(accounts.operator());
    const session = sessions.find(given);
    const account = session === undefined ? undefined : accounts.get(session.account);
    if (session !== undefined && account !== undefined) return personOf(account, session);
    const share = session === undefined ? undefined : shares.get(session.account);
    if (session !== undefined && share !== undefined) return guestOf(share, session);
    if (from === 'cookie') return undefined;
    const device = from === 'header' ? deviceTokens.find(given) : undefined;
    return device === undefined ? agentOf(accounts, hashOf(given)) : deviceOf(device.account, device.id);
  };
}

/** Who somebody is now who was let in a moment ago, by what they came with then; undefined when that has ended. */
export const createAgain =
  ({ accounts, sessions }: Pick<WhoParts, 'accounts' | 'sessions'>) =>
  (by: Pick<Ticket['by'], 'account' | 'session' | 'device'>): Person | undefined => {
    const account = accounts.get(by.account ?? '');
    if (account === undefined) return undefined;
    if (by.device !== undefined)
      return account.devices.some(({ id }) => id === by.device) ? deviceOf(account, by.device) : undefined;
    // Without one it was the token of the cloud.
    if (by.session === undefined) return account.operates ? personOf(account) : undefined;
    const session = sessions.get(by.session);
    return session?.account === account.id ? personOf(account, session) : undefined;
  };

/** A device has documents; who comes in, and with what, is for a person to say. */
const deviceOf = (account: AccountRow, device: string): Person => ({
  ...{ ...personOf(account), enrols: false, operates: false, device },
});

function personOf(account: AccountRow, session?: Session): Person {
  return {
    ...{ role: 'owner', userId: account.userId, operates: account.operates, account: account.id },
    enrols: session?.isPublic !== true,
    ...(session === undefined ? {} : { session: session.id }),
  };
}

const guestOf = ({ id, role, userId, projectId, documentId, copyId }: ShareRow, session: Session): Guest => ({
  ...{ role, userId, projectId, share: id, session: session.id },
  ...(documentId === undefined ? {} : { documentId }),
  ...(copyId === undefined ? {} : { copyId }),
});
function agentOf(accounts: Accounts, hash: string): PlainAgent | undefined {
  const account = accounts.withAgent(hash);
  const agent = account?.agents.find((each) => each.hash === hash);
  if (account === undefined || agent === undefined) return undefined;
  return { role: 'agent', userId: account.userId, account: account.id, agent: agent.id };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
