/** Assets, files and search of a project over HTTP, with hostile names and sizes. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS, ROUTES, type Asset, type Document } from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { eventually, startDevice } from './device.fixture.ts';

const device = await startDevice({
  files: {
    'a.md': '# First\n\nSee [[b-page]] and [b](b-page.md#part), ![](pic.png), [web](https://example.com/b-page.md).\n',
    'b-page.md': '# Second\n\n## Part\n\n[home](a.md) [c](sub/c.md)\n',
    'sub/c.md': '---\r\ntitle: Third\r\n---\r\n\r\n[up](../a.md) [side](<b page.md>)\r\n[[b-page]]',
    'sub/b page.md': 'Same name, elsewhere.\n',
    'evil.md': `${'a'.repeat(60)}!\n`,
    'note.txt': 'plain\n',
    'page.html': '<script>alert(1)</script>',
  },
});
afterAll(() => device[Symbol.asyncDispose]());
const project = `/api/projects/${device.project.id}`;
const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

test('ASSET-1 bytes are kept once, under their sha-256, and come back as they were', async () => {
  const [one, two] = await Promise.all(
    [1, 2].map(() =>
      device.ask(`${project}/assets?name=shot.png`, {
        bytes: new Uint8Array(png),
        headers: { 'content-type': 'image/png' },
      }),
    ),
  );
  expect([one?.status, two?.status]).toEqual([201, 201]);
  const asset = ROUTES.createAsset.answer.parse(one?.json) as Asset;
  const hash = createHash('sha256').update(png).digest('hex');
  expect(asset).toMatchObject({
    path: `_assets/${hash}.png`,
    contentHash: hash,
    mimeType: 'image/png',
    sizeBytes: png.length,
  });
  expect(await readdir(join(device.folder, '_assets'))).toEqual([`${hash}.png`]);
  const response = await fetch(`${device.origin}${project}/files/${asset.path}`, {
    headers: { authorization: `Bearer ${device.token}` },
  });
  expect(Buffer.from(await response.arrayBuffer())).toEqual(png);
  expect(response.headers.get('content-security-policy')).toContain('sandbox');
  expect(
    (
      await device.ask(`${project}/files/${asset.path}`, {
        headers: { 'if-none-match': response.headers.get('etag') ?? '' },
      })
    ).status,
  ).toBe(304);
});

test('ASSET-2 64 MiB are taken, one byte more is refused, and so is nothing at all', { timeout: 60_000 }, async () => {
  const before = await readdir(join(device.folder, '_assets'));
  const over = await device.ask(`${project}/assets`, { bytes: new Uint8Array(LIMITS.assetBytesMax + 1) });
  expect([over.status, over.json]).toMatchObject([413, { error: { code: 'too_large' } }]);
  // Without a length in front, too.
  const streamed = await fetch(`${device.origin}${project}/assets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${device.token}` },
    body: new ReadableStream({
      start(controller) {
        for (let sent = 0; sent <= LIMITS.assetBytesMax; sent += 1024 * 1024)
          controller.enqueue(new Uint8Array(1024 * 1024));
        controller.close();
      },
    }),
    duplex: 'half',
  } as RequestInit);
  expect(streamed.status).toBe(413);
  expect((await device.ask(`${project}/assets`, { bytes: new Uint8Array() })).status).toBe(400);
  expect(await readdir(join(device.folder, '_assets'))).toEqual(before);
  expect((await device.ask(`${project}/assets`, { bytes: new Uint8Array(LIMITS.assetBytesMax) })).status).toBe(201);
});

test('ASSET-3 no name of a file leads out of the project, into what is hidden, or to a document', async () => {
  await mkdir(join(device.folder, '.hidden'));
  await writeFile(join(device.folder, '.hidden/secret.txt'), 'c0ntent-0f-it');
  await writeFile(join(device.root, 'outside.txt'), 'c0ntent-0f-it');
  await symlink(join(device.root, 'outside.txt'), join(device.folder, 'link.txt'));
  await symlink(device.root, join(device.folder, 'out'));
  await symlink(device.home, join(device.folder, 'home'));
  for (const path of [
    '../outside.txt',
    '..%2foutside.txt',
    '%2e%2e/outside.txt',
    '%2e%2e%2foutside.txt',
    'sub/../../outside.txt',
    'sub/..%2f..%2foutside.txt',
    '..%5coutside.txt',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    '//etc/passwd',
    'link.txt',
    'out/outside.txt',
    'home/api-token',
    '.hidden/secret.txt',
    '%2ehidden/secret.txt',
    'sub/./../.hidden/secret.txt',
    'a%00.txt',
    '%',
    '%ff',
    '',
    '.',
    'sub',
    'nothing.png',
    'a.md',
    'sub/c.md',
    'x'.repeat(5_000),
  ]) {
    const { status, text } = await device.ask(`${project}/files/${path}`);
    expect([path, status >= 400 && status < 500, text.includes('c0ntent') || text.includes(device.token)]).toEqual([
      path,
      true,
      false,
    ]);
  }
  const html = await device.ask(`${project}/files/page.html`);
  expect(html.headers.get('content-type')).toBe('application/octet-stream');
  expect([html.headers.get('content-disposition'), html.headers.get('x-content-type-options')]).toEqual([
    'attachment',
    'nosniff',
  ]);
  expect((await device.ask(`${project}/files/note.txt`)).text).toBe('plain\n');
});

test('a link _assets that leads out of the project takes nothing', async () => {
  const folder = join(device.root, 'linked');
  await mkdir(join(device.root, 'elsewhere'));
  await mkdir(folder);
  await symlink(join(device.root, 'elsewhere'), join(folder, '_assets'));
  const { id } = await device.get<{ id: string }>('/api/projects/open-local', { body: { localPath: folder } });
  expect((await device.ask(`/api/projects/${id}/assets`, { bytes: new Uint8Array(png) })).status).toBe(403);
  expect(await readdir(join(device.root, 'elsewhere'))).toEqual([]);
  await device.ask(`/api/projects/${id}`, { method: 'DELETE' });
});

test('folders of the machine can be looked through, hidden ones and files excepted', async () => {
  const answer = await device.ask(`/api/folders?path=${encodeURIComponent(device.root)}`);
  expect(ROUTES.folders.answer.parse(answer.json)).toMatchObject({
    path: device.root,
    parent: join(device.root, '..'),
  });
  expect(
    (answer.json as { folders: { name: string; markdownFiles: number }[] }).folders.find(
      ({ name }) => name === 'notes',
    ),
  ).toMatchObject({ markdownFiles: 3 });
  expect((await device.ask('/api/folders')).status).toBe(200);
  expect((await device.ask('/api/folders?path=relative')).status).toBe(400);
  expect((await device.ask(`/api/folders?path=${encodeURIComponent(join(device.folder, 'a.md'))}`)).status).toBe(404);
  expect((await device.ask('/api/folders?other=x')).status).toBe(400);
});

test('MOVE-1 links in every form follow a document to its new name and back to the same bytes, and only they', async () => {
  const files = ['a.md', 'b-page.md', 'sub/c.md', 'sub/b page.md'];
  const read = (path: string): Promise<string> => readFile(join(device.folder, path), 'utf8');
  const before = await Promise.all(files.map(read));
  const { id } = await device.document('b-page');
  const moved = await device.get<{ document: Document }>(`${project}/documents/${id}/move`, {
    body: { path: 'far/away/Éclair' },
  });
  expect(moved.document).toMatchObject({ id, path: 'far/away/Éclair', title: 'Second' });
  await eventually(async () => (await read('a.md')).includes('far/away/'), 'the links in a.md');
  const a = await read('a.md');
  expect(a).toContain('[web](https://example.com/b-page.md)');
  expect(a).toMatch(/\[b\]\(far\/away\/\S*clair\.md#part\)/u);
  expect(a).not.toContain('[[b-page]]');
  await eventually(
    async () => (await read('far/away/Éclair.md')).includes('[home](../../a.md) [c](../../sub/c.md)'),
    'its own links',
  );
  // The other document of nearly that name keeps its links.
  expect(await read('sub/c.md')).toContain('[side](<b page.md>)');
  await device.get(`${project}/documents/${id}/move`, { body: { path: 'b-page' } });
  for (const [index, path] of files.entries()) {
    await eventually(async () => (await read(path)) === before[index], `${path} as before`).catch(async () =>
      expect([path, await read(path)]).toEqual([path, before[index]]),
    );
  }
});

test('SEARCH-1 text is found as it is now; a pattern without end is refused, and the device answers meanwhile', async () => {
  const search = (query: string) => device.ask(`${project}/search?${query}`);
  const found = await search('q=third');
  expect(ROUTES.search.answer.parse(found.json)).toMatchObject({
    hits: [{ path: 'sub/c', title: 'Third', line: 2 }],
    truncated: false,
  });
  expect((await search('q=THIRD&caseSensitive=1')).json).toMatchObject({ hits: [] });
  expect((await search(`q=${encodeURIComponent('^# (First|Second)$')}&regex=1`)).json).toMatchObject({ documents: 2 });
  expect((await search(`q=${encodeURIComponent('(')}&regex=1`)).status).toBe(400);
  expect((await search('q=')).status).toBe(400);
  expect((await search('q=x&limit=x')).status).toBe(400);

  const endless = search(`q=${encodeURIComponent('(a+)+$')}&regex=1`);
  let slowest = 0;
  let isOver = false;
  void endless.finally(() => (isOver = true));
  while (!isOver) {
    const began = performance.now();
    await device.ask('/health', { token: null });
    slowest = Math.max(slowest, performance.now() - began);
  }
  expect((await endless).status).toBe(400);
  expect(slowest).toBeLessThan(1_000);
});
