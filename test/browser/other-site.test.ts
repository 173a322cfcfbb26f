/** T3: a page of another site, in the browser that is signed in here, reaches nothing of this device. */
import { SOON } from './notebook.ts';
import { startOtherServer } from './other-server.ts';
import { expect, testWithOwnDevice as test } from './page-test.ts';

test('a page on another port cannot read, write, run or frame anything', async ({ openFolder, openPage, device }) => {
  const folder = await openFolder({ 'secret.md': '# Secret\n\ncanary-text\n' });
  const { context } = await openPage(folder, 'secret');
  const other = await startOtherServer('<!doctype html><title>Elsewhere</title><body></body>');
  const before = JSON.stringify([
    await device.api('projects', {}),
    await device.api('documents', { params: { id: folder.project.id } }),
  ]);
  const runs = await device.api('runs', { query: { projectId: folder.project.id } });
  try {
    // The cookie of `localhost` goes to every port of it, so this one is as near as a stranger can come.
    for (const host of ['localhost', '127.0.0.1', '127.0.0.1.evil.localhost']) {
      const page = await context.newPage();
      await page.goto(`http://${host}:${other.port}/page`);
      for (const target of [`http://localhost:${device.port}`, `http://127.0.0.1:${device.port}`]) {
        const reached = await page.evaluate(
          async ({ target, project }) => {
            const got: string[] = [];
            const paths = [
              '/',
              '/health',
              '/stats',
              '/api/projects',
              `/api/projects/${project}/documents`,
              `/api/projects/${project}/search?q=canary`,
              '/metrics',
              '/service-worker.js',
              '/frame',
            ];
            const tries: Promise<unknown>[] = [];
            for (const path of paths) {
              for (const init of [{}, { credentials: 'include' }, { mode: 'no-cors', credentials: 'include' }] as const)
                tries.push(
                  fetch(target + path, init).then(async (answer) => {
                    const text = await answer.text();
                    if (text !== '') got.push(`fetch ${path} ${text.slice(0, 80)}`);
                  }),
                );
              tries.push(
                new Promise((done) => {
                  const script = document.createElement('script');
                  script.onload = () => done(got.push(`script ${path}`));
                  script.onerror = done;
                  script.src = target + path;
                  document.body.append(script);
                }),
                new Promise((done) => {
                  const image = new Image();
                  image.onload = () => done(got.push(`image ${path}`));
                  image.onerror = done;
                  image.src = target + path;
                }),
              );
            }
            const bodies = [
              JSON.stringify({ localPath: '/etc' }),
              JSON.stringify({ projectId: project, language: 'python', code: 'open("/tmp/owned","w")' }),
            ];
            for (const [index, path] of ['/api/projects/open-local', '/api/runs'].entries())
              for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded'])
                tries.push(
                  fetch(target + path, {
                    method: 'POST',
                    mode: type === 'application/json' ? 'cors' : 'no-cors',
                    credentials: 'include',
                    headers: { 'content-type': type },
                    body: bodies[index] ?? '',
                  }).then((answer) => {
                    if (answer.type !== 'opaque') got.push(`post ${path}`);
                  }),
                );
            for (const method of ['DELETE', 'PUT', 'PATCH'])
              tries.push(
                fetch(`${target}/api/projects/${project}`, { method, credentials: 'include' }).then(() =>
                  got.push(`${method} project`),
                ),
              );
            navigator.sendBeacon(`${target}/api/runs`, bodies[1]);
            for (const path of ['/api/stream', `/sync/me/secret/secret`, '/api/stream?token=guess'])
              tries.push(
                new Promise((done) => {
                  const socket = new WebSocket(target.replace('http', 'ws') + path);
                  socket.onopen = () => done(got.push(`socket ${path}`));
                  socket.onerror = done;
                }),
              );
            tries.push(
              new Promise((done) => {
                const events = new EventSource(`${target}/api/stream`, { withCredentials: true });
                events.onopen = () => done(got.push('events'));
                events.onerror = () => {
                  events.close();
                  done(undefined);
                };
              }),
              new Promise((done) => {
                const frame = document.createElement('iframe');
                frame.onload = () => {
                  try {
                    if (frame.contentDocument?.title.includes('Secret') === true) got.push('frame');
                  } catch {
                    // Another origin, or the error page that a refused frame is.
                  }
                  done(undefined);
                };
                frame.src = `${target}/p/x`;
                document.body.append(frame);
              }),
            );
            await Promise.allSettled(tries);
            return got;
          },
          { target, project: folder.project.id },
        );
        expect(reached, `from ${host} to ${target}`).toEqual([]);
        // A form leaves the page, so it comes last.
        await page.evaluate(
          ({ target }) => {
            const form = document.createElement('form');
            form.method = 'post';
            form.enctype = 'text/plain';
            form.action = `${target}/api/projects/open-local`;
            const input = document.createElement('input');
            input.name = '{"localPath":"/etc","x":"';
            input.value = '"}';
            form.append(input);
            document.body.append(form);
            form.submit();
          },
          { target },
        );
        await page.waitForURL(`${target}/**`);
        expect(await page.locator('body').textContent()).toContain('forbidden');
        await page.goto(`http://${host}:${other.port}/page`);
      }
      await page.close();
    }
    expect(
      JSON.stringify([
        await device.api('projects', {}),
        await device.api('documents', { params: { id: folder.project.id } }),
      ]),
    ).toBe(before);
    expect(await device.api('runs', { query: { projectId: folder.project.id } })).toEqual(runs);
    await expect.poll(async () => (await device.api('projects', {})).projects.length, SOON).toBeGreaterThan(0);
  } finally {
    await other.close();
  }
});
