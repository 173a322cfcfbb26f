/** Signing in to a cloud in a real browser, with an authenticator that Chromium plays. */
import type { CDPSession, Page } from 'playwright-core';
import { startCloud, type CloudProgram } from '../conformance/cloud.fixture.ts';
import { startOidc, type OidcProvider } from '../conformance/oidc.fixture.ts';
import type { CloudAsk } from '@markco/protocol';
import { eventually, startDevice } from '../conformance/device.fixture.ts';
import { troubles } from './axe.ts';
import { chromiumPath, NO_CHROMIUM } from './chromium.ts';
import { expect, test as base } from './page-test.ts';

const PHONE = { width: 390, height: 844 };
const SOON = { timeout: 20_000 };

type Person = { readonly page: Page; readonly cdp: CDPSession };
type Shared = { readonly oidc: OidcProvider; readonly cloud: CloudProgram; readonly site: string };
const test = base.extend<Shared & { person: () => Promise<Person> }>({
  oidc: [
    async ({}, use) => {
      await using oidc = await startOidc();
      await use(oidc);
    },
    { scope: 'file' },
  ],
  cloud: [
    async ({ oidc }, use) => {
      await using cloud = await startCloud(oidc.env);
      await use(cloud);
    },
    { scope: 'file' },
  ],
  /** Passkeys are for names, and localhost is one. */
  site: [
    async ({ cloud, oidc }, use) => {
      const site = cloud.origin.replace('127.0.0.1', 'localhost');
      oidc.serve(site);
      await use(site);
    },
    { scope: 'file' },
  ],
  person: async ({ browser, skip }, use) => {
    skip(chromiumPath === undefined, NO_CHROMIUM);
    const contexts: { close(): Promise<void> }[] = [];
    await use(async () => {
      const context = await (await browser()).newContext({ viewport: PHONE, hasTouch: true, isMobile: true });
      contexts.push(context);
      const page = await context.newPage();
      const cdp = await context.newCDPSession(page);
      await cdp.send('WebAuthn.enable');
      await cdp.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
          ...{ isUserVerified: true, automaticPresenceSimulation: true },
        },
      });
      return { page, cdp };
    });
    for (const context of contexts) await context.close();
  },
});

const invite = async ({ origin, token }: CloudProgram): Promise<string> => {
  const answer = await fetch(`${origin}/api/invites`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  return ((await answer.json()) as { code: string }).code;
};

async function openAccount(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'More' }).click(SOON);
  await page.getByRole('button', { name: 'Account' }).click(SOON);
  await page.getByRole('heading', { name: 'Where you are signed in' }).waitFor(SOON);
}

/** Everything that is in any database of the page. */
async function keptInBrowser(): Promise<readonly unknown[]> {
  const kept: unknown[] = [];
  const settled = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(new Error('not read'));
    });
  for (const { name = '' } of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name));
    for (const table of database.objectStoreNames)
      kept.push(...(await settled(database.transaction(table).objectStore(table).getAll())));
    database.close();
  }
  return kept;
}

async function fits(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
}

test('an invited person makes an account with a passkey, signs out and in with it, and ends another session', async ({
  cloud,
  site,
  person,
}) => {
  const { page } = await person();
  await page.goto(site);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor(SOON);
  // Nobody is taken in who was not invited.
  expect(await page.getByLabel('Your name').count()).toBe(0);
  expect(await troubles({ page })).toEqual([]);
  await fits(page);
  await page.goto(`${site}/sign-in#invite=${await invite(cloud)}`);
  await page.getByLabel('Your name').fill('Ada');
  await page.getByRole('button', { name: 'Make an account with a passkey' }).click();
  await page.getByText('Nothing is here yet').waitFor(SOON);
  await openAccount(page);
  await page.getByText('Ada', { exact: true }).waitFor(SOON);
  await page.getByText('None of your devices is here yet').waitFor(SOON);
  await fits(page);
  expect(await page.evaluate(() => document.cookie)).not.toContain('session_token');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click(SOON);
  await openAccount(page);

  // The same session elsewhere: when it is ended here, it is over there.
  const cookies = await page.context().cookies();
  const { value = '' } = cookies.find(({ name }) => name === 'session_token') ?? {};
  const cookie = { cookie: `session_token=${value}` };
  const sessions = async (): Promise<readonly { id: string; current: boolean; with: string }[]> =>
    ((await (await fetch(`${site}/api/account/sessions`, { headers: cookie })).json()) as { sessions: [] }).sessions;
  expect(await sessions()).toMatchObject([{ current: true, with: 'passkey' }]);
  const [own] = await sessions();
  await fetch(`${site}/api/account/sessions/${own?.id}`, { method: 'DELETE', headers: cookie });
  await page.keyboard.press('Escape');
  await page
    .getByRole('button', { name: 'Sign in', exact: true })
    .or(page.getByText('Sign in with a passkey'))
    .first()
    .waitFor({ timeout: 5_000 });
  expect((await fetch(`${site}/api/account`, { headers: cookie })).status).toBe(401);
});

test('whoever has the line of the cloud adds a passkey, and comes in with it from then on', async ({
  cloud,
  site,
  person,
}) => {
  const { page } = await person();
  await page.goto(`${site}/#token=${cloud.token}`);
  await openAccount(page);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('Chrome on', { exact: false }).first().waitFor(SOON);
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  await expect
    .poll(() => page.getByLabel('Invite somebody').getByRole('textbox').inputValue(), SOON)
    .toContain('#invite=');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click(SOON);
  await openAccount(page);
});

test('on a public computer nothing is kept in the browser, and nobody is let in from there', async ({
  cloud,
  site,
  person,
}) => {
  await using laptop = await startDevice({ files: { 'page.md': '# Secret plans\n' } });
  await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const documents = async (): Promise<number> =>
    (await cloud.get<{ documents: unknown[] }>(`/api/documents/${laptop.userId}`)).json.documents.length;
  await eventually(async () => (await documents()) === 1, 'the document to be in the cloud', 20_000);
  const { page } = await person();
  await page.goto(`${site}/p/${laptop.project.slug}/page`);
  await page.getByLabel('This is a public computer').check(SOON);
  await page.getByText('With the line or the token').click();
  await page.getByLabel('Line or token').fill(`${site}/#token=${cloud.token}`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.locator('.cm-content').getByText('Secret plans').first().waitFor(SOON);
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('Typed in the library.');
  await page.getByText(/^Saved here/).waitFor(SOON);
  expect(await page.evaluate(keptInBrowser)).toEqual([]);
  expect(await page.evaluate(() => JSON.stringify(Object.entries(localStorage)))).not.toContain('plans');
  const [cookie] = (await page.context().cookies()).filter(({ name }) => name === 'session_token');
  const hours = ((cookie?.expires ?? 0) * 1_000 - Date.now()) / 3_600_000;
  expect(hours > 11.9 && hours <= 12).toBe(true);
  const headers = { cookie: `session_token=${cookie?.value}` };
  for (const path of ['/api/account/passkeys/begin', '/api/account/device-requests/BBBBBBBB', '/api/invites'])
    expect((await fetch(`${site}${path}`, { method: 'POST', headers })).status).toBe(403);
  await openAccount(page);
  await page.getByText('You are on a public computer').waitFor(SOON);
  expect(await page.getByRole('button', { name: 'Add a passkey' }).count()).toBe(0);
});

test('an invited person makes an account with one elsewhere, in the page, and lets a device in by its code', async ({
  cloud,
  site,
  person,
}) => {
  const { page } = await person();
  await page.goto(`${site}/sign-in#invite=${await invite(cloud)}`);
  await page.getByRole('button', { name: 'Make an account with Example' }).click(SOON);
  await openAccount(page);
  await page.getByText('ada@example.com').waitFor(SOON);
  expect(page.url()).toBe(`${site}/`);

  await using box = await startDevice({ files: { 'page.md': '# Page of the box\n' } });
  const asked = await box.get<CloudAsk>('/api/cloud/ask', { body: { url: site } });
  if (asked.state !== 'waiting') return expect.unreachable(asked.state);
  await page.goto(asked.page);
  const code = page.getByLabel('Type the code that the device shows.');
  await code.fill('BBBB-BBBB');
  await page.getByRole('button', { name: 'Look' }).click();
  await page.getByRole('alert').getByText('No device shows this code').waitFor(SOON);
  await code.fill(asked.code);
  await page.getByRole('button', { name: 'Look' }).click();
  await page.getByText(asked.fingerprint).waitFor(SOON);
  expect(await troubles({ page })).toEqual([]);
  await fits(page);
  await page.getByRole('button', { name: 'Let it in' }).click();
  await page.getByText('is let in.').waitFor(SOON);
  await page.keyboard.press('Escape');
  // Nobody had said whose devices are here; now the page has what they have.
  await page.goto(`${site}/p/${box.project.slug}/page`);
  await page.locator('.cm-content').getByText('Page of the box').first().waitFor(SOON);
});

test('a person shows again that it is them, goes on where they were, and deletes their account by its name', async ({
  cloud,
  site,
  person,
}) => {
  const { page } = await person();
  await page.goto(`${site}/sign-in#invite=${await invite(cloud)}`);
  await page.getByLabel('Your name').fill('Dora Day');
  await page.getByRole('button', { name: 'Make an account with a passkey' }).click();
  await openAccount(page);
  // As it is after five minutes: the first try of each is refused.
  const error = { code: 'confirm_first', message: 'You signed in more than five minutes ago.' };
  for (const path of ['**/api/agents', '**/api/account/delete']) {
    let tries = 0;
    await page.route(path, async (route) => {
      if (route.request().method() === 'POST' && tries++ === 0) await route.fulfill({ status: 403, json: { error } });
      else await route.continue();
    });
  }
  const asks = page.getByRole('alert', { name: 'Show that it is you' });
  await page.getByLabel('What it is called').fill('attic');
  await page.getByRole('button', { name: 'Make a token' }).click();
  await asks.waitFor(SOON);
  expect(await troubles({ page })).toEqual([]);
  await fits(page);
  await asks.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByText('The token of attic.').waitFor(SOON);
  expect(await asks.count()).toBe(0);

  await page.getByRole('button', { name: 'Delete this account' }).click();
  await page.getByText('1 plain agents').waitFor(SOON);
  await page.getByText('What is on your devices stays there').waitFor(SOON);
  await fits(page);
  const last = page.getByRole('button', { name: 'Delete for ever' });
  expect(await last.isDisabled()).toBe(true);
  await page.getByLabel('Type Dora Day to delete it').fill('Dora');
  expect(await last.isDisabled()).toBe(true);
  await page.getByLabel('Type Dora Day to delete it').fill('Dora Day');
  await last.click();
  await asks.getByRole('button', { name: 'Use a passkey' }).click(SOON);
  await asks.waitFor({ state: 'detached' });
  // Nothing is deleted by itself.
  await last.click();
  await page.getByText('Your account is deleted.').waitFor(SOON);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByRole('alert').getByText('This passkey is not one of this cloud').waitFor(SOON);
});
