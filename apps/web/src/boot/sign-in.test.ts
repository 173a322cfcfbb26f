import { expect, test } from 'vitest';
import { signIn, takeToken } from './sign-in.ts';

function page(hash: string) {
  const seen: string[] = [];
  return {
    seen,
    location: { hash, pathname: '/p/notes', search: '' },
    history: {
      replaceState: (_state: unknown, _title: string, url?: string | URL | null) => void seen.push(String(url)),
    },
  };
}

test('the token leaves the address bar before it is used', async () => {
  const { seen, location, history } = page('#token=abc-123');
  const asked: string[] = [];
  const failure = await signIn({
    location,
    history,
    fetch: (url, init) => {
      expect(seen).toEqual(['/p/notes']);
      asked.push(`${init?.method} ${String(url)} ${new Headers(init?.headers).get('authorization')}`);
      return Promise.resolve(new Response(null, { status: 204 }));
    },
  });
  expect(failure).toBeUndefined();
  expect(asked).toEqual(['POST /api/session Bearer abc-123']);
});

test('a heading in the address is no token, and a broken token is taken away too', () => {
  const heading = page('#results');
  expect(takeToken(heading)).toBeUndefined();
  expect(heading.seen).toEqual([]);
  const broken = page('#token=<script>');
  expect(takeToken(broken)).toBeUndefined();
  expect(broken.seen).toEqual(['/p/notes']);
});

test('a token the device does not know is said so', async () => {
  const failure = await signIn({
    ...page('#token=old'),
    fetch: () =>
      Promise.resolve(
        Response.json({ error: { code: 'unauthorized', message: 'Open the link again.' } }, { status: 401 }),
      ),
  });
  expect(failure?.code).toBe('unauthorized');
});
