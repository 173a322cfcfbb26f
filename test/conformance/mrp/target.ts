/**
 * What is tested: the server that MRP_URL names (its token in MRP_TOKEN, its language in MRP_LANGUAGE unless it is the
 * first it lists), or a device of ours with every language it has.
 */
import type { TestContext } from 'vitest';
import { startDevice } from '../device.fixture.ts';
import { programsOf, type Programs } from './programs.ts';
import { serverAt, type Server } from './server.ts';
import type { Feature } from './shapes.ts';

export type Target = {
  readonly server: Server;
  readonly languages: readonly string[];
  /** What the server says it offers for a language. */
  declares(language: string, feature: Feature | 'history'): boolean;
  close(): Promise<void>;
};

type Said = {
  readonly languages?: readonly string[];
  readonly features?: Record<string, boolean>;
  readonly languageFeatures?: Record<string, Record<string, boolean>>;
};

export async function openTarget(): Promise<Target> {
  const url = process.env['MRP_URL'];
  const device = url === undefined ? await startDevice({ files: { 'page.md': '# Page\n' } }) : undefined;
  const server = serverAt(url ?? device?.origin ?? '', device === undefined ? process.env['MRP_TOKEN'] : device.token);
  const said = (await server.ask('/capabilities')).json as Said | undefined;
  const chosen = process.env['MRP_LANGUAGE'] ?? said?.languages?.[0] ?? 'python';
  return {
    server,
    languages: device === undefined ? [chosen] : (said?.languages ?? ['python']),
    declares: (language, feature) => (said?.languageFeatures?.[language] ?? said?.features ?? {})[feature] === true,
    close: async () => device?.[Symbol.asyncDispose](),
  };
}

/** Skips, with the reason, what the server does not say it offers. */
export function needs(context: TestContext, target: Target, language: string, feature: Feature | 'history'): void {
  if (!target.declares(language, feature)) context.skip(`the server does not declare ${feature} for ${language}`);
}

/** The programs of a language; skips, with the reason, where there is none for what is tested. */
export function program<K extends keyof Programs>(
  context: TestContext,
  language: string,
  kind: K,
): NonNullable<Programs[K]> {
  const found = programsOf(language)?.[kind] ?? null;
  if (found === null) context.skip(`there is no program in ${language} for this (${kind})`);
  return found as NonNullable<Programs[K]>;
}
