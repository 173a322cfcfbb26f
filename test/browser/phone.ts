/** A phone at the page of a cloud, a laptop whose documents are kept there, and how the three come together. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import type { DeviceHere, PairingHere, Run } from '@markco/protocol';
import type { Locator, Page } from 'playwright-core';
import type { CloudProgram } from '../conformance/cloud.fixture.ts';
import { eventually, type Device } from '../conformance/device.fixture.ts';

/** What a phone needs of the two, wherever they run. */
export type PhoneCloud = Pick<CloudProgram, 'origin' | 'token' | 'get' | 'device'>;
export type PhoneLaptop = Pick<Device, 'userId' | 'get'>;

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;
export const SOON_MS = 20_000;
export const SOON = { timeout: SOON_MS } as const;

const offered = async (device: PhoneLaptop): Promise<PairingHere['offered']> =>
  (await device.get<PairingHere>('/api/pairing')).offered;
export const devicesOf = async (device: PhoneLaptop): Promise<readonly DeviceHere[]> =>
  (await device.get<{ devices: DeviceHere[] }>('/api/devices')).devices;
export const runsOf = async (device: PhoneLaptop): Promise<readonly Run[]> =>
  (await device.get<{ runs: Run[] }>('/api/runs')).runs;

/** The laptop keeps its one document with the cloud, and the machine of the cloud is one of its devices. */
export async function keepInCloud(cloud: PhoneCloud, laptop: PhoneLaptop): Promise<void> {
  await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  // So that the others are reached through it.
  await laptop.get('/api/pairing', { method: 'POST' });
  await cloud.device.get('/api/pairing/join', { code: (await offered(laptop))?.link });
  await eventually(async () => (await offered(laptop))?.state === 'asked', 'the server to ask', SOON_MS);
  await laptop.get('/api/pairing/approve', { method: 'POST' });
  const isThere = async (): Promise<boolean> =>
    (await devicesOf(laptop)).some(({ connection }) => connection?.state === 'connected');
  await eventually(isThere, 'the server to be connected', SOON_MS);
  const documents = async (): Promise<number> =>
    (await cloud.get<{ documents: unknown[] }>(`/api/documents/${laptop.userId}`)).json.documents.length;
  await eventually(async () => (await documents()) === 1, 'the document to be in the cloud', SOON_MS);
}

export async function openDevices(page: Page): Promise<Locator> {
  await page.getByRole('navigation', { name: 'Main actions' }).getByRole('button', { name: 'More' }).tap();
  await page.getByRole('dialog', { name: 'More' }).getByRole('button', { name: 'Devices' }).tap();
  return page.getByRole('dialog', { name: 'Devices' });
}

/** By a code of the laptop, or its link, which shows the same words and says yes. Answers with the list of devices, open. */
export async function addPhone(
  page: Page,
  cloud: PhoneCloud,
  laptop: PhoneLaptop,
  by: 'code' | 'link' = 'code',
): Promise<Locator> {
  await laptop.get('/api/pairing', { method: 'POST' });
  const dialog = await openDevices(page);
  await dialog.getByRole('button', { name: 'Add this browser to your devices' }).tap();
  const showing = async (): Promise<number> => (await cloud.get<{ showing: [] }>('/api/peer')).json.showing.length;
  await eventually(async () => (await showing()) === 1, 'the cloud to hear of the code', SOON_MS);
  await dialog.getByRole('textbox', { name: 'Code or link' }).fill((await offered(laptop))?.[by] ?? '');
  await dialog.getByRole('button', { name: 'Add it' }).tap();
  await dialog.getByText('The other device must show the same.').waitFor(SOON);
  const newcomer = await offered(laptop);
  assert.equal(newcomer?.device?.kind, 'web');
  assert.match(newcomer.device.name, /^Chrome on /);
  assert.ok((await dialog.locator('.check-signs').innerText()).includes(newcomer.check?.words ?? 'no words'));
  await laptop.get('/api/pairing/approve', { method: 'POST' });
  await dialog.getByText('This browser is one of your devices now.').waitFor(SOON);
  await dialog.getByRole('button', { name: 'Done' }).tap();
  return dialog;
}

/** Undefined where browsers have WebRTC. */
export const whyNoWebRtc = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ internal, family }) => !internal && family === 'IPv4'),
)
  ? undefined
  : 'This machine is on no network, and browsers have no WebRTC without one.';

/**
 * How to lose so many in a hundred of the packets that a page sends and gets by UDP, as WebRTC does. To be asked for before
 * the page opens a connection.
 */
export async function losingPackets(page: Page): Promise<(percent: number) => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const lose = async (packetLoss: number): Promise<void> => {
    const asBefore = { urlPattern: '', latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    const conditions = { offline: false, matchedNetworkConditions: [{ ...asBefore, packetLoss }] };
    await session.send('Network.emulateNetworkConditionsByRule', conditions);
  };
  await lose(0);
  return lose;
}
