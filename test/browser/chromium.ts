/**
 * The Chromium of this machine, started without a sandbox of its own because tests run as root in containers.
 *
 * Where there is Chromium's headless shell, tests take that: the same engine without the frame of a window, which starts
 * with a third of the processor time and draws with less. What people start is `FULL`: `thin-thread.test.ts` takes no
 * other, nor do the tests between networks, as the shell cannot be told to trust a page that came without TLS.
 */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const FULL = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', chromium.executablePath()];

const installed = (places: readonly string[]): string | undefined => places.find((path) => existsSync(path));

/** The one that people start; undefined when this machine has none. */
export const fullChromiumPath = installed(FULL);
/** Undefined when this machine has none. */
export const chromiumPath = installed(['/usr/bin/chromium-headless-shell', ...FULL]);

export const NO_CHROMIUM = 'Chromium is not installed. On Debian: apt-get install chromium';

export const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'];

export function launchChromium(path = chromiumPath): Promise<Browser> {
  return chromium.launch({
    ...(path === undefined ? {} : { executablePath: path }),
    args: CHROMIUM_ARGS,
  });
}
