/** What a browser is called among the devices of its user: `Chrome on Android`. */

/** The first that fits; each of the later ones also says the names of those below it. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg/, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|Chromium|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'Mac'],
  [/\bLinux\b/, 'Linux'],
];

export function browserName(userAgent: string): { readonly name: string; readonly os: string } {
  const of = (all: typeof BROWSERS): string | undefined => all.find(([sign]) => sign.test(userAgent))?.[1];
  const os = of(SYSTEMS) ?? '';
  const browser = of(BROWSERS) ?? 'A browser';
  return { name: os === '' ? browser : `${browser} on ${os}`, os };
}
