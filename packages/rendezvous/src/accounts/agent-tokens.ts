/**
 * What a plain agent comes with: a token of its own, which the owner of an account makes and is shown once. Here there is
 * its hash. One that is removed is cut off in the same turn.
 */
import { Failure, newId, type Agent, type DeviceId, type IdSource, type Subject, type UserId } from '@markco/protocol';
import type { AccountRow } from './account-row.ts';
import type { Accounts } from './accounts.ts';
import type { Note } from './admission.ts';
import type { Live } from './live.ts';
import { hashOf } from './sessions.ts';
import { signedIn } from './signed-in.ts';
import type { RequireFresh } from './step-up.ts';

export type AgentRow = AccountRow['agents'][number];

export type AgentTokens = {
  of(userId: UserId): readonly AgentRow[];
  /** @throws Failure `conflict` for a name that is taken, `too_many` */
  add(subject: Subject | null, name: string): Promise<Agent & { readonly token: string; readonly userId: UserId }>;
  /** @throws Failure `not_found` */
  remove(subject: Subject | null, id: DeviceId): Promise<void>;
};

export const shownAgent = ({ id, name, createdAt }: AgentRow): Agent => ({
  ...{ id, name, createdAt: new Date(createdAt).toISOString() },
});

export function createAgentTokens({
  accounts,
  ids,
  live,
  note,
  requireFresh,
}: {
  readonly accounts: Accounts;
  readonly ids: IdSource;
  readonly live: Pick<Live, 'end'>;
  readonly note: Note;
  readonly requireFresh: RequireFresh;
}): AgentTokens {
  return {
    of: (userId) => accounts.ofUser(userId)?.agents ?? [],
    async add(subject, name) {
      const { account, person } = signedIn(accounts, subject);
      requireFresh(person);
      const token = Buffer.from(ids.randomBytes(32)).toString('base64url');
      const agent: AgentRow = { id: newId<DeviceId>(ids), hash: hashOf(token), name, createdAt: ids.now() };
      const { userId } = await accounts.change(account.id, (before) => {
        if (before.agents.some((each) => each.name.toLowerCase() === name.toLowerCase()))
          throw new Failure('conflict', `You have a plain agent called ${name} already. Choose another name.`);
        return { ...before, agents: [...before.agents, agent] };
      });
      note('agent.added', { account: account.id, userId, device: agent.id });
      return { ...shownAgent(agent), token, userId };
    },
    async remove(subject, id) {
      const { account } = signedIn(accounts, subject);
      const { userId } = await accounts.change(account.id, (before) => {
        if (!before.agents.some((each) => each.id === id))
          throw new Failure('not_found', 'There is no such plain agent here.');
        return { ...before, agents: before.agents.filter((each) => each.id !== id) };
      });
      note('agent.removed', { account: account.id, userId, device: id });
      live.end(`agent ${id}`, new Failure('unauthorized', 'This plain agent was removed.'));
    },
  };
}
