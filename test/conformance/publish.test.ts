/** Pages that their owner shows to everybody: what is public, when, and what never is. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import type { Cloud, Publication } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, startDevice, type Answer, type Device } from './device.fixture.ts';

const FILES = {
  '01-intro.md': '---\nauthor: Ada\n---\n# Intro\n\nSee [the data](02-data/01-clean.md#how) and [[private]].\n',
  '02-data/01-clean.md': '# Clean\n\n## How\n\n```python\n6 * 7\n```\n\n```output\n42\n```\n',
  'private.md': '---\npublish: false\n---\n# Not for you\n',
  'draft.md': '---\ndraft: true\n---\n# Not yet\n',
  '_lib/notes.md': '# Kept back\n',
  'mrmd.md': '# Settings\n\n```yaml config\ntitle: The <Notes>\n```\n',
};
/** A save is public within this, from the file on the device to the page. */
const SOON_MS = 5_000;
/** It is put together here, so that none stands in this file. */
const SECRET = `ghp_${'a1B2c3D4e5'.repeat(4)}`;

type Page = { readonly status: number; readonly text: string; readonly headers: Headers };
type World = { readonly cloud: CloudProgram; readonly laptop: Device };

const test = base.extend<{ world: World }>({
  world: [
    async ({}, use) => {
      await using cloud = await startCloud();
      await using laptop = await startDevice({ files: FILES });
      await laptop.get<Cloud>('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
      await eventually(async () => {
        const { json } = await cloud.get<{ documents: { title?: string; sizeBytes: number }[] }>(
          `/api/documents/${laptop.userId}`,
        );
        return (
          json.documents.length === Object.keys(FILES).length && json.documents.every(({ sizeBytes }) => sizeBytes > 0)
        );
      }, 'all documents to be in the cloud');
      await use({ cloud, laptop });
    },
    { scope: 'file' },
  ],
});

const route = ({ laptop }: World): string => `/api/projects/${laptop.project.id}/publication`;
const publish = ({ laptop }: World, body: object): Promise<Answer> =>
  laptop.ask(`/api/projects/${laptop.project.id}/publication`, { method: 'PUT', body });
async function read({ cloud }: World, path: string, init: RequestInit = {}): Promise<Page> {
  const answer = await fetch(`${cloud.origin}${path}`, { redirect: 'manual', ...init });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}
const write = ({ laptop }: World, path: string, text: string): Promise<void> =>
  writeFile(join(laptop.folder, path), text);

test('PUB-1 nothing is public until its owner says so, and then what is saved is, at once', async ({ world }) => {
  expect((await read(world, '/@ada/notes')).status).toBe(404);
  expect(await world.laptop.get<Publication>(route(world))).toEqual({ state: 'none' });
  const nameless = await publish(world, {});
  expect([nameless.status, nameless.json]).toMatchObject([
    400,
    { error: { message: expect.stringContaining('--as') } },
  ]);
  expect((await publish(world, { userName: 'Ada!' })).status).toBe(400);

  const { json } = await publish(world, { userName: 'ada' });
  expect(json).toMatchObject({
    state: 'public',
    url: `${world.cloud.origin}/@ada/notes`,
    update: 'saved',
    pages: 2,
    held: [],
  });
  const intro = await read(world, '/@ada/notes/intro');
  expect(intro.status).toBe(200);
  expect(intro.text).toContain('<h1 id="intro">Intro</h1>');
  expect(intro.text).toContain('<a href="/@ada/notes/data/clean#how">the data</a>');
  expect(intro.text).toContain('<span class="missing">private</span>');
  expect(intro.text).toContain('<title>Intro · The &lt;Notes&gt;</title>');
  expect(intro.text).toContain(`<link rel="canonical" href="${world.cloud.origin}/@ada/notes/intro">`);
  expect(intro.text).toContain('rel="next" href="/@ada/notes/data/clean"');
  expect((await read(world, '/@ada/notes/data/clean')).text).toContain('<div class="output"><pre>42</pre></div>');
  expect((await read(world, '/@ada/notes')).text).toContain('<ul class="list">');
  const all = await read(world, '/@ada');
  expect([all.status, all.text.match(/<a href="[^"]*">[^<]*<\/a>/g)]).toEqual([
    200,
    ['<a href="/@ada/notes">The &lt;Notes&gt;</a>'],
  ]);
  expect(all.text).not.toContain('feed.xml');
  expect((await read(world, '/@bob')).status).toBe(404);

  await write(world, '01-intro.md', '# Intro\n\nSaved later.\n');
  await eventually(
    async () => (await read(world, '/@ada/notes/intro')).text.includes('Saved later.'),
    'the saved page to be public',
    SOON_MS,
  );
});

test('PUB-2 what its front matter or its name keeps private is not there, and its owner is told why', async ({
  world,
}) => {
  await publish(world, {});
  for (const path of ['private', 'draft', '_lib/notes', 'lib/notes', 'mrmd', 'none'])
    expect([path, (await read(world, `/@ada/notes/${path}`)).status]).toEqual([path, 404]);
  expect(await world.laptop.get<Publication>(route(world))).toMatchObject({
    leftOut: expect.arrayContaining([
      { path: 'private', why: 'it says `publish: false`' },
      { path: 'draft', why: 'it says `draft: true`' },
      { path: '_lib/notes', why: 'its name begins with `_`' },
    ]),
  });
  for (const path of ['/@ada/notes', '/@ada/notes/intro', '/@ada/notes/feed.xml', '/@ada/notes/sitemap.xml'])
    expect((await read(world, path)).text).not.toMatch(/Not for you|Not yet|Kept back/);

  await write(world, 'draft.md', '# Not yet\n');
  await eventually(
    async () => (await read(world, '/@ada/notes/draft')).status === 200,
    'the page to be public',
    SOON_MS,
  );
  // One that is not closed may have meant to be private.
  await write(world, 'draft.md', '---\ndraft: true\n# Not yet\n');
  await eventually(async () => (await read(world, '/@ada/notes/draft')).status === 404, 'it to be private', SOON_MS);
});

test('PUB-3 a secret holds its page back until it is gone, or its owner allows just this one', async ({ world }) => {
  await publish(world, {});
  const page = (secret: string): string =>
    `# Keys\n\n\`\`\`bash\nenv\n\`\`\`\n\n\`\`\`output\nTOKEN=${secret}\n\`\`\`\n`;
  const status = async (): Promise<number> => (await read(world, '/@ada/notes/keys')).status;
  const held = async () => {
    const publication = await world.laptop.get<Publication>(route(world));
    return publication.state === 'public' ? publication.held : [];
  };
  await write(world, 'keys.md', '# Keys\n');
  await eventually(async () => (await status()) === 200, 'the page to be public', SOON_MS);
  await write(world, 'keys.md', page(SECRET));
  await eventually(async () => (await status()) === 404, 'the page to be held back', SOON_MS);
  const [found, ...others] = await eventually(
    async () => ((await held()).length > 0 ? held() : undefined),
    'the finding',
  );
  expect([found, others]).toEqual([{ path: 'keys', line: 8, kind: 'a GitHub token', id: expect.any(String) }, []]);
  expect((await read(world, '/@ada/notes')).text).not.toContain('Keys');

  expect((await publish(world, { allow: [found?.id] })).json).toMatchObject({ held: [] });
  expect(await status()).toBe(200);
  await write(world, 'keys.md', page(SECRET.replace('a', 'z')));
  await eventually(async () => (await status()) === 404, 'another secret to hold it back', SOON_MS);
  await write(world, 'keys.md', page('none'));
  await eventually(async () => (await status()) === 200, 'the page to be public again', SOON_MS);
});

test('PUB-4 what is published when its owner says so stays as it was until then, whatever becomes of it', async ({
  world,
}) => {
  await write(world, 'moment.md', '# Moment\n\nFirst.\n');
  await publish(world, { update: 'saved' });
  const text = async (): Promise<string> => (await read(world, '/@ada/notes/moment')).text;
  await eventually(async () => (await text()).includes('First.'), 'the page to be public', SOON_MS);
  expect((await publish(world, { update: 'asked' })).json).toMatchObject({ update: 'asked' });
  await write(world, 'moment.md', '# Moment\n\nSecond.\n');
  await eventually(
    async () =>
      (await world.cloud.get<{ hits: unknown[] }>(`/api/projects/${world.laptop.project.id}/search?q=Second.`)).json
        .hits.length === 1,
    'the edit in the cloud',
  );
  expect(await text()).toContain('First.');
  expect((await publish(world, {})).json).toMatchObject({ update: 'asked' });
  expect(await text()).toContain('Second.');

  const { id } = await world.laptop.document('moment');
  const documents = `/api/projects/${world.laptop.project.id}/documents`;
  await world.laptop.ask(`${documents}/${id}`, { method: 'DELETE' });
  await eventually(
    async () => !JSON.stringify((await world.cloud.get(documents)).json).includes('"moment"'),
    'the deletion in the cloud',
  );
  expect(await text()).toContain('Second.');
  await publish(world, { update: 'saved' });
  expect((await read(world, '/@ada/notes/moment')).status).toBe(404);
});

test('PUB-5 what is taken back is gone at once, the name stays its own, and a restart changes nothing', async ({
  world,
}) => {
  const { laptop, cloud } = world;
  await publish(world, {});
  expect((await publish(world, { userName: 'bob' })).status).toBe(409);
  await cloud.kill();
  await cloud.start();
  expect((await read(world, '/@ada/notes/intro')).status).toBe(200);
  await eventually(
    async () => (await laptop.get<Cloud>('/api/cloud')).state === 'connected',
    'the device to be back',
    20_000,
  );
  expect((await laptop.ask(route(world), { method: 'DELETE' })).status).toBe(204);
  for (const path of ['', '/intro', '/feed.xml']) expect((await read(world, `/@ada/notes${path}`)).status).toBe(404);
  expect(await laptop.get<Publication>(route(world))).toEqual({ state: 'none', userName: 'ada' });
  const stranger = await fetch(`${cloud.origin}${route(world)}`, { method: 'PUT', body: '{}' });
  expect(stranger.status).toBe(401);
});

test('PUB-6 pages are only read, by anybody, and say what a browser may do with them', async ({ world }) => {
  await publish(world, {});
  const page = await read(world, '/@ada/notes/intro');
  expect(page.headers.get('set-cookie')).toBeNull();
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*; sandbox allow-popups/);
  expect(page.headers.get('content-security-policy')).not.toMatch(/script|unsafe-inline|allow-same-origin/);
  const tag = page.headers.get('etag') ?? '';
  expect((await read(world, '/@ada/notes/intro', { headers: { 'if-none-match': tag } })).status).toBe(304);
  expect((await read(world, '/@ada/notes/intro', { method: 'HEAD' })).text).toBe('');
  expect((await read(world, '/@ada/notes/intro', { method: 'POST' })).status).toBe(405);
  const moved = await read(world, '/@ada/notes/01-intro');
  expect([moved.status, moved.headers.get('location')]).toEqual([308, '/@ada/notes/intro']);
  for (const path of ['/@bob', '/@ada/other', '/@bob/notes', '/@/notes', '/@ada%2Fnotes/..%2f..', '/@ada/notes/%ff'])
    expect([path, (await read(world, path)).status]).toEqual([path, 404]);

  const feed = await read(world, '/@ada/notes/feed.xml');
  expect(feed.headers.get('content-type')).toContain('application/atom+xml');
  expect(feed.text).toContain('<title>The &lt;Notes&gt;</title>');
  const sitemap = await read(world, '/@ada/notes/sitemap.xml');
  expect(sitemap.text).toContain(`<loc>${world.cloud.origin}/@ada/notes/data/clean</loc>`);
});

test('PUB-8 pictures that public pages name are there with them, while the device is off, and no other file is', async ({
  world,
}) => {
  const { laptop, cloud } = world;
  await publish(world, {});
  await mkdir(join(laptop.folder, '_assets/generated'), { recursive: true });
  const picture = randomBytes(50_000);
  for (const name of ['_assets/generated/plot.png', '_assets/private.png', '_assets/nobody.png'])
    await writeFile(join(laptop.folder, name), picture);
  await writeFile(join(laptop.folder, 'table.csv'), 'a,b\n');
  await writeFile(join(laptop.folder, '_assets/whole.txt'), `TOKEN=${SECRET}\n`);
  await write(world, 'private.md', '---\npublish: false\n---\n![p](_assets/private.png)\n');
  const cell = '```python\nplot()\n```\n\n```output\n![figure](_assets/generated/plot.png)\n```\n';
  await write(
    world,
    'plots.md',
    `# Plots\n\n${cell}\n[table](table.csv) [whole](_assets/whole.txt) ![gone](gone.png) ![p](https://example.com/p.png)\n`,
  );
  const page = await eventually(async () => {
    const { text } = await read(world, '/@ada/notes/plots');
    return text.includes('<img') && text.includes('table.csv') ? text : undefined;
  }, 'the picture in the page');
  expect(page).toContain('<img src="/@ada/notes/_assets/generated/plot.png" alt="figure" loading="lazy" />');
  expect(page).toContain(`<meta property="og:image" content="${cloud.origin}/@ada/notes/_assets/generated/plot.png">`);
  expect(page).toContain('<span class="missing">gone</span> <span class="missing">p</span>');
  const own = (path: string): Promise<Response> =>
    fetch(`${cloud.origin}/api/projects/${laptop.project.id}/files/${path}`, {
      headers: { authorization: `Bearer ${cloud.token}` },
    });
  await eventually(async () => (await own('_assets/private.png')).status === 200, 'the private picture in the cloud');
  const held = await eventually(async () => {
    const found = await laptop.get<Publication>(route(world));
    return found.state === 'public' && found.held.length > 0 ? found.held : undefined;
  }, 'the secret in the file to be found');
  expect(held).toMatchObject([{ path: '_assets/whole.txt', line: 1, kind: 'a GitHub token' }]);
  await laptop.kill();
  const answer = await fetch(`${cloud.origin}/@ada/notes/_assets/generated/plot.png`);
  expect(Buffer.from(await answer.arrayBuffer()).equals(picture)).toBe(true);
  expect(answer.headers.get('content-type')).toBe('image/png');
  expect(answer.headers.get('content-security-policy')).toContain('sandbox');
  expect((await read(world, '/@ada/notes/table.csv')).text).toBe('a,b\n');
  for (const path of ['_assets/private.png', '_assets/nobody.png', '_assets/whole.txt', 'mrmd.md', 'plots.md'])
    expect([path, (await read(world, `/@ada/notes/${path}`)).status]).toEqual([path, 404]);
  // Its owner sees both at the cloud; a file that no document names stayed where it is.
  expect([(await own('_assets/private.png')).status, (await own('_assets/nobody.png')).status]).toEqual([200, 404]);
});

test('PUB-7 with an origin of their own they are asked for there and nowhere else, and nothing else is there', async () => {
  await using cloud = await startCloud({ MARKCO_PUBLISH_ORIGIN: 'https://pages.example.com' });
  const at = (
    host: string | null,
    path: string,
  ): Promise<readonly [status: number | undefined, to: string | undefined]> =>
    new Promise((resolve, reject) => {
      get(`${cloud.origin}${path}`, host === null ? {} : { headers: { host } }, (answer) => {
        answer.resume();
        resolve([answer.statusCode, answer.headers.location]);
      }).on('error', reject);
    });
  for (const path of ['/', '/health', '/api/projects', '/p/notes', '/index.html', '/@ada/notes'])
    expect([path, await at('pages.example.com', path)]).toEqual([path, [404, undefined]]);
  expect(await at(null, '/@ada/notes?q')).toEqual([308, 'https://pages.example.com/@ada/notes?q']);
  expect(await at('evil.example.com', '/@ada/notes')).toEqual([403, undefined]);
  expect(await at(null, '/health')).toEqual([200, undefined]);
});
