/**
 * Keeps the shell of the page, so that it opens when the device is gone.
 *
 * 1. Never answers for /api, /sync, /health or another origin: what the device says comes from the device.
 * 2. A page is asked of the device first; only when it does not answer, the kept shell is shown.
 * 3. Files under /assets/ are named by their content, so a kept one is right forever. Each build has a cache of its
 *    own, and the caches of other builds go when it takes over, so there are never more than two.
 */
type Extendable = Event & { waitUntil(work: Promise<unknown>): void };
type Fetching = Extendable & { readonly request: Request; respondWith(answer: Promise<Response>): void };
type Worker = {
  readonly location: Location;
  readonly caches: CacheStorage;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: Extendable) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetching) => void): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
};
/** Written in by the build. */
declare const __SHELL_FILES__: readonly string[];

const worker = globalThis as unknown as Worker;
const files = __SHELL_FILES__;
/** Changes when any file of the shell does: their names hold their content. */
const cacheName = `shell-${files
  .join()
  .split('')
  .reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7)}`;

worker.addEventListener('install', (event) => {
  event.waitUntil(
    worker.caches
      .open(cacheName)
      .then((cache) => cache.addAll(files.map((file) => new Request(file, { cache: 'reload' })))),
  );
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(
    worker.caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((name) => name !== cacheName).map((name) => worker.caches.delete(name))),
      )
      .then(() => worker.clients.claim()),
  );
});

worker.addEventListener('message', (event) => {
  if (event.data === 'take over') void worker.skipWaiting();
});

async function page(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch {
    return (await worker.caches.match('/')) ?? Response.error();
  }
}

async function kept(request: Request): Promise<Response> {
  const known = await worker.caches.match(request);
  if (known !== undefined) return known;
  const answer = await fetch(request);
  if (answer.ok && new URL(request.url).pathname.startsWith('/assets/')) {
    const cache = await worker.caches.open(cacheName);
    await cache.put(request, answer.clone());
  }
  return answer;
}

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== worker.location.origin) return;
  if (request.mode === 'navigate' && (pathname === '/' || /^\/(p|runs)\//.test(pathname)))
    event.respondWith(page(request));
  else if (pathname.startsWith('/assets/') || files.includes(pathname)) event.respondWith(kept(request));
});
