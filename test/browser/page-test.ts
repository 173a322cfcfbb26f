/**
 * `test` for what happens in a page: projects and pages for each test, and a device and a browser that its file shares
 * with those that run before and after it. Who kills the device, or lets it join others, takes `testWithOwnDevice`.
 * A test that leaves an error in a page that nobody caught fails.
 */
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ProjectHere } from '@markco/protocol';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { expect, test as base } from 'vitest';
import { chromiumPath, launchChromium, NO_CHROMIUM } from './chromium.ts';
import { startDevice, type Device } from './device.ts';
import { createNotebook, SOON, type Notebook } from './notebook.ts';

export type Folder = {
  readonly path: string;
  readonly project: ProjectHere;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
  /** Waits until a file says this. */
  reads(file: string, wanted: string | RegExp): Promise<void>;
};

type Files = Readonly<Record<string, string>>;
type Shared = { readonly browser: () => Promise<Browser>; readonly device: Device };
type Own = {
  /** Makes a folder of this name (`notes`) with these files and opens it as a project. */
  readonly openFolder: (files: Files, name?: string) => Promise<Folder>;
  /** Opens a page at a document of a project, in a browser context of its own. */
  readonly openPage: (folder: Folder, document: string, options?: BrowserContextOptions) => Promise<Notebook>;
};

const withBrowser = base.extend<{ readonly chromium: () => Promise<Browser> }>({
  chromium: [
    async ({}, use) => {
      let launched: Promise<Browser> | undefined;
      await use(() => (launched ??= launchChromium()));
      await (await launched)?.close();
    },
    { scope: 'worker' },
  ],
});

const pageTest = (lastsFor: 'worker' | 'file') =>
  withBrowser.extend<Shared & Own>({
    browser: [
      async ({ chromium }, use) => {
        let used: Promise<Browser> | undefined;
        await use(() => (used ??= chromium()));
        // What one file leaves open is nothing to the next.
        for (const context of (await used)?.contexts() ?? []) await context.close();
      },
      { scope: 'file' },
    ],
    device: [
      async ({}, use) => {
        const device = await startDevice();
        await use(device);
        await device.close();
      },
      { scope: lastsFor },
    ],
    openFolder: async ({ device, skip }, use) => {
      skip(chromiumPath === undefined, NO_CHROMIUM);
      const opened: { path: string; project: ProjectHere }[] = [];
      await use(async (files, name = 'notes') => {
        const path = join(await realpath(await mkdtemp(join(tmpdir(), 'markco-notes-'))), name);
        await mkdir(path);
        const write = async (file: string, text: string): Promise<void> => {
          await mkdir(dirname(join(path, file)), { recursive: true });
          await writeFile(join(path, file), text);
        };
        for (const [file, text] of Object.entries(files)) await write(file, text);
        const project = await device.api('openLocal', { body: { localPath: path } });
        opened.push({ path, project });
        const read = (file: string): Promise<string> => readFile(join(path, file), 'utf8');
        return {
          path,
          project,
          read,
          write,
          reads: (file, wanted) =>
            expect
              .poll(() => read(file), SOON)
              .toEqual(typeof wanted === 'string' ? expect.stringContaining(wanted) : expect.stringMatching(wanted)),
        };
      });
      for (const { path, project } of opened) {
        const { sessions } = await device.api('sessions', {});
        for (const { id, projectId } of sessions)
          if (projectId === project.id) await device.api('deleteSession', { params: { id } });
        await device.api('closeProject', { params: { id: project.id } });
        await rm(dirname(path), { recursive: true, force: true });
      }
    },
    openPage: async ({ browser, device }, use) => {
      const pages: Notebook[] = [];
      await use(async ({ project }, document, options = {}) => {
        const context = await (
          await browser()
        ).newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', ...options });
        const notebook = await createNotebook(context);
        pages.push(notebook);
        await notebook.page.goto(device.link(`/p/${project.slug}/${document}`));
        await notebook.loaded();
        return notebook;
      });
      for (const { context } of pages) await context.close();
      expect(pages.flatMap(({ thrown }) => thrown)).toEqual([]);
    },
  });

export const test = pageTest('worker');
export const testWithOwnDevice = pageTest('file');

export { expect };
