/** For tests: an OpenID Connect provider, where whoever comes is signed in at once as the person that the test chose. */
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

export type ProvidedPerson = { readonly sub: string; readonly email: string; readonly email_verified: boolean };

export type OidcProvider = AsyncDisposable & {
  /** What `markco cloud` is given. */
  readonly env: Readonly<Record<string, string>>;
  /** From then on the cloud at this origin is known to it. */
  serve(origin: string): void;
  /** Whoever signs in next. */
  person: ProvidedPerson;
};

export async function startOidc(): Promise<OidcProvider> {
  let handle: ((request: never, response: never) => unknown) | undefined;
  const server = createServer((request, response) => {
    if (handle === undefined) return void response.writeHead(503).end();
    void handle(request as never, response as never);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const issuer = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  const secret = { MARKCO_OIDC_ID: 'cloud', MARKCO_OIDC_SECRET: 'a secret of the cloud, as long as it has to be' };

  const origins: string[] = [];

  const made: OidcProvider = {
    env: { ...secret, MARKCO_OIDC_ISSUER: issuer, MARKCO_OIDC_NAME: 'Example' },
    person: { sub: 'ada', email: 'ada@example.com', email_verified: true },
    serve(origin) {
      origins.push(origin);
      const provider = new Provider(issuer, {
        clients: [
          {
            client_id: secret.MARKCO_OIDC_ID,
            client_secret: secret.MARKCO_OIDC_SECRET,
            redirect_uris: origins.map((each) => `${each}/sign-in/with/oidc`),
          },
        ],
        claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
        cookies: { keys: ['of this test'] },
        ttl: { AccessToken: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
        pkce: { required: () => true },
        features: { devInteractions: { enabled: false } },
        interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
        findAccount: (_context, sub) => ({
          accountId: sub,
          claims: () => ({ ...made.person, sub, name: `${sub} of the example` }),
        }),
      });
      const answer = provider.callback();
      handle = async (request: never, response: never) => {
        const { url } = request as { readonly url: string };
        if (!url.startsWith('/interaction/')) return answer(request, response);
        const { prompt, params, session } = await provider.interactionDetails(request, response);
        if (prompt.name === 'login')
          return provider.interactionFinished(request, response, {
            login: { accountId: made.person.sub, remember: false },
          });
        const grant = new provider.Grant({
          accountId: session?.accountId ?? '',
          clientId: String(params['client_id']),
        });
        grant.addOIDCScope(String(params['scope']));
        return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
      };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return made;
}
