/** The Chromium of this machine, started without a sandbox of its own because tests run as root in containers. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', chromium.executablePath()];

/** Undefined when this machine has none. */
export const chromiumPath = PLACES.find((path) => existsSync(path));

export const NO_CHROMIUM = 'Chromium is not installed. On Debian: apt-get install chromium';

export const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'];

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    args: CHROMIUM_ARGS,
  });
}
