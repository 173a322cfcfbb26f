/** What the dialog of the account shows and does. What went wrong is told, and everything is asked for again after a change. */
import type { Api } from '@markco/client';
import {
  Failure,
  type Account,
  type AccountContents,
  type Agent,
  type DeviceRequest,
  type SessionRow,
  type SignInWays,
} from '@markco/protocol';
import { batch, signal, type ReadonlySignal } from '@preact/signals';
import { beganConfirming } from './came-back.ts';
import { a } from './messages.ts';
import { tokenIn } from './token-in.ts';

export type AccountFacts = {
  readonly account: Account;
  readonly sessions: readonly SessionRow[];
  readonly ways: SignInWays;
  readonly agents: { readonly agents: readonly Agent[]; readonly closed?: string | undefined };
};

export type AccountHere = {
  /** `undefined` until they are known. */
  readonly facts: ReadonlySignal<AccountFacts | undefined>;
  readonly trouble: ReadonlySignal<string>;
  readonly said: ReadonlySignal<string>;
  readonly busy: ReadonlySignal<boolean>;
  readonly asked: ReadonlySignal<(DeviceRequest & { readonly code: string }) | undefined>;
  readonly invite: ReadonlySignal<{ readonly link: string; readonly endsAt: string } | undefined>;
  /** What waits until whoever is signed in has shown that it is them. */
  readonly waits: ReadonlySignal<(() => Promise<void>) | undefined>;
  /** What goes with the account, once somebody has asked. */
  readonly goes: ReadonlySignal<AccountContents | undefined>;
  /** One that was just made: its token is not told again. */
  readonly madeAgent: ReadonlySignal<{ readonly name: string; readonly token: string } | undefined>;
  read(): Promise<void>;
  /** Shows that it is still them, then goes on with what waits. */
  confirmByPasskey(): Promise<void>;
  confirmByToken(token: string): Promise<void>;
  /** The browser goes elsewhere and comes back; what waits is to be done again then. */
  confirmBy(provider: string): Promise<void>;
  giveUp(): void;
  askWhatGoes(): Promise<void>;
  keepAccount(): void;
  /** Resolves to whether it is gone. */
  deleteAccount(name: string): Promise<boolean>;
  addPasskey(): Promise<void>;
  removePasskey(id: string): Promise<void>;
  addIdentity(provider: string): Promise<void>;
  removeIdentity(id: string): Promise<void>;
  endSession(id: string): Promise<void>;
  endOthers(): Promise<void>;
  look(code: string): Promise<void>;
  answer(isLetIn: boolean): Promise<void>;
  removeDevice(id: string): Promise<void>;
  makeInvite(): Promise<void>;
  addAgent(name: string): Promise<void>;
  removeAgent(id: string): Promise<void>;
};

export function createAccount(api: Api): AccountHere {
  const facts = signal<AccountFacts | undefined>(undefined);
  const trouble = signal('');
  const said = signal('');
  const busy = signal(false);
  const asked = signal<(DeviceRequest & { readonly code: string }) | undefined>(undefined);
  const invite = signal<{ readonly link: string; readonly endsAt: string } | undefined>(undefined);

  const waits = signal<(() => Promise<void>) | undefined>(undefined);
  const goes = signal<AccountContents | undefined>(undefined);
  const madeAgent = signal<{ readonly name: string; readonly token: string } | undefined>(undefined);

  async function ask(): Promise<void> {
    const [account, { sessions }, ways, agents] = await Promise.all([
      api('account', {}),
      api('accountSessions', {}),
      api('signInWays', {}),
      api('agents', {}),
    ]);
    facts.value = { account, sessions, ways, agents };
  }

  async function attempt(work: () => Promise<unknown>, done = ''): Promise<void> {
    batch(() => {
      trouble.value = '';
      said.value = '';
      busy.value = true;
    });
    try {
      await work();
      await ask();
      said.value = done;
    } catch (error) {
      const { code, message } = Failure.from(error);
      if (code === 'confirm_first') waits.value = () => attempt(work, done);
      else trouble.value = message;
    }
    busy.value = false;
  }

  /** @param show throws when it is not them; then it waits on */
  async function confirm(show: () => Promise<unknown>): Promise<void> {
    const next = waits.peek();
    let isShown = false;
    await attempt(async () => {
      await show();
      isShown = true;
    });
    if (!isShown) return;
    waits.value = undefined;
    await next?.();
  }

  return {
    ...{ facts, trouble, said, busy, asked, invite, madeAgent, waits, goes },
    confirmByPasskey: () =>
      confirm(async () => {
        const { usePasskey } = await import('./ceremony.ts');
        await api('confirm', { body: await usePasskey(await api('beginConfirm', {})) });
      }),
    confirmByToken: (token) => confirm(() => api('confirm', { body: { token: tokenIn(token) } })),
    confirmBy: (provider) =>
      attempt(async () => {
        const { url } = await api('beginProviderSignIn', { params: { provider }, body: { confirm: true } });
        beganConfirming(sessionStorage);
        location.assign(url);
      }),
    giveUp: () => void (waits.value = undefined),
    askWhatGoes: () =>
      attempt(async () => {
        goes.value = await api('accountContents', {});
      }),
    keepAccount: () => void (goes.value = undefined),
    async deleteAccount(name) {
      busy.value = true;
      trouble.value = '';
      try {
        await api('deleteAccount', { body: { name } });
        return true;
      } catch (error) {
        const { code, message } = Failure.from(error);
        // Once it is shown that it is them they press the button again: nothing is deleted by itself.
        if (code === 'confirm_first') waits.value = () => Promise.resolve();
        else trouble.value = message;
        return false;
      } finally {
        busy.value = false;
      }
    },
    read: () => attempt(() => Promise.resolve()),
    addPasskey: () =>
      attempt(async () => {
        const { makePasskey } = await import('./ceremony.ts');
        await api('addPasskey', { body: await makePasskey(await api('beginPasskey', {})) });
      }),
    removePasskey: (passkey) => attempt(() => api('removePasskey', { params: { passkey } })),
    addIdentity: (provider) =>
      attempt(async () => {
        const { url } = await api('beginProviderSignIn', { params: { provider }, body: { addToAccount: true } });
        location.assign(url);
      }),
    removeIdentity: (identity) => attempt(() => api('removeIdentity', { params: { identity } })),
    endSession: (session) => attempt(() => api('endSession', { params: { session } })),
    endOthers: () => attempt(() => api('endSessions', {})),
    look: (code) =>
      attempt(async () => {
        asked.value = undefined;
        asked.value = { ...(await api('deviceRequest', { params: { code } })), code };
      }),
    async answer(isLetIn) {
      const { code = '', name = '' } = asked.peek() ?? {};
      await attempt(
        async () => {
          await api(isLetIn ? 'approveDeviceRequest' : 'declineDeviceRequest', { params: { code } });
          asked.value = undefined;
        },
        isLetIn ? a('letInDone', { name }) : a('declined'),
      );
    },
    removeDevice: (device) => attempt(() => api('removeAccountDevice', { params: { device } })),
    addAgent: (name) =>
      attempt(async () => {
        madeAgent.value = await api('addAgent', { body: { name } });
      }),
    removeAgent: (agent) =>
      attempt(async () => {
        await api('removeAgent', { params: { agent } });
        madeAgent.value = undefined;
      }),
    makeInvite: () =>
      attempt(async () => {
        const { code, endsAt } = await api('invite', {});
        invite.value = { link: `${location.origin}/sign-in#invite=${code}`, endsAt };
      }),
  };
}
