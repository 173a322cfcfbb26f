/** A laptop and the browser of a phone: directly by WebRTC, and through the cloud, in the same run. */
import type { DeviceHere, Reach } from '@markco/protocol';
import { chromiumPath, launchChromium, NO_CHROMIUM } from '../../../browser/chromium.ts';
import { addPhone, devicesOf, keepInCloud, losingPackets, PHONE, SOON, whyNoWebRtc } from '../../../browser/phone.ts';
import { startCloud } from '../../../conformance/cloud.fixture.ts';
import { startDevice } from '../../../conformance/device.fixture.ts';
import type { Stage } from '../../bench.ts';
import { median, quantile } from '../../quantile.ts';
import { eventually } from '../../wait.ts';

const STAGE = 'mesh-phone';
const RELAYED = 'by the cloud';
const MOVE_MS = 60_000;

export const meshPhone: Stage = {
  name: STAGE,
  about: 'a round trip between a laptop and the browser of a phone, directly and through the cloud',
  async run(bench) {
    const why = chromiumPath === undefined ? NO_CHROMIUM : whyNoWebRtc;
    if (why !== undefined) {
      bench.skip(STAGE, why);
      return [];
    }
    const count = bench.quick ? 50 : 300;
    await using cloud = await startCloud({ MARKCO_NAME: 'server' });
    await using laptop = await startDevice({ files: { 'page.md': '# Page\n' }, env: { MARKCO_NAME: 'laptop' } });
    await keepInCloud(cloud, laptop);
    const chromium = await launchChromium();
    try {
      const page = await (await chromium.newContext(PHONE)).newPage();
      const lose = await losingPackets(page);
      await page.goto(`${cloud.origin}/p/${laptop.project.slug}/page#token=${cloud.token}`);
      await page.locator('.cm-content').waitFor(SOON);
      await addPhone(page, cloud, laptop);
      const isPhone = ({ kind }: DeviceHere): boolean => kind === 'web';
      const id = (await devicesOf(laptop)).find(isPhone)?.id;
      const ping = (): Promise<Reach> => laptop.get<Reach>(`/api/devices/${id}/ping`, { method: 'POST' });

      async function trips(isRelayed: boolean): Promise<readonly number[]> {
        const isSo = async (): Promise<true | undefined> => {
          const now = await ping();
          return now.answered && now.path.relayed === isRelayed ? true : undefined;
        };
        await eventually(`the way to be ${isRelayed ? 'relayed' : 'direct'}`, MOVE_MS, isSo);
        const all: number[] = [];
        while (all.length < count) {
          const now = await ping();
          if (now.answered && now.path.relayed === isRelayed) all.push(now.roundTripMs);
        }
        return all;
      }

      const direct = await trips(false);
      await lose(100);
      const relayed = await trips(true);
      const row = (measure: string, of: (all: readonly number[]) => number) => ({
        ...{ stage: STAGE, measure, unit: 'ms', ours: of(direct), peers: { [RELAYED]: of(relayed) } },
      });
      return [
        {
          ...row('a round trip from a laptop to a phone, direct, p50', median),
          target: { ratio: 'at-most', of: 1 },
        },
        row('… p95', (all) => quantile(all, 0.95)),
      ];
    } finally {
      await chromium.close();
    }
  },
};
