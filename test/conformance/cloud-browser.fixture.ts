/** For tests: a browser as far as cookies go, and a person who signs in with it at a cloud. */
import type { Account } from '@markco/protocol';
import { expect } from 'vitest';
import type { OidcProvider } from './oidc.fixture.ts';

type Answer = { readonly status: number; readonly json: { readonly error?: { code: string; message: string } } };

let browsers = 0;
/** A browser as far as cookies go, at an address of its own. */
export function createBrowser(origin: string) {
  const from = `198.51.100.${++browsers}`;
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (url: string): Map<string, string> => {
    const host = new URL(url).host;
    const known = jars.get(host) ?? new Map<string, string>();
    jars.set(host, known);
    return known;
  };
  async function visit(url: string, init: RequestInit = {}): Promise<Response> {
    const jar = jarOf(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = {
      'x-forwarded-for': from,
      ...(init.headers as Record<string, string> | undefined),
      ...(cookie === '' ? {} : { cookie }),
    };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }
  async function ask<T = unknown>(method: string, path: string, body?: unknown): Promise<Answer & { json: T }> {
    const response = await visit(`${origin}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', origin } }),
    });
    const text = await response.text();
    return { status: response.status, json: (text.startsWith('{') ? JSON.parse(text) : {}) as never };
  }
  return {
    jar: jarOf(origin),
    ask,
    /** From the button to what the provider sends back to the page. */
    async toProvider(body: object = {}): Promise<string> {
      // The provider knows nobody from before.
      for (const [host, jar] of jars) if (host !== new URL(origin).host) jar.clear();
      const begun = await ask<{ url: string }>('POST', '/api/sign-in/with/oidc/begin', body);
      expect(begun).toMatchObject({ status: 200 });
      let url = begun.json.url;
      for (let step = 0; step < 10; step++) {
        const response = await visit(url);
        url = new URL(response.headers.get('location') ?? expect.unreachable(await response.text()), url).href;
        if (url.startsWith(`${origin}/sign-in/with/oidc`)) return new URL(url).search;
      }
      return expect.unreachable('the provider leads nowhere');
    },
    finish: (search: string) => ask('POST', '/api/sign-in/with/oidc', { search }),
  };
}

export type Browser = ReturnType<typeof createBrowser>;

export async function signInAs(oidc: OidcProvider, browser: Browser, name: string): Promise<Account> {
  oidc.person = { sub: name, email: `${name}@example.com`, email_verified: true };
  expect((await browser.finish(await browser.toProvider())).status).toBe(200);
  return (await browser.ask<Account>('GET', '/api/account')).json;
}
