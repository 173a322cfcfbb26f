/** From a file somebody names to its open document on the device, no older than the file. */
import { readFile, realpath } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import type { Api } from '@markco/client/api';
import type { Client, OpenDocument } from '@markco/client/client';
import type { Document, ProjectHere } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import type { Cli } from './cli.ts';
import { projectAround } from './reference.ts';
import { printable } from './render.ts';

/** A save reaches the document within this, unless the file is one that cannot be a document's. */
const CATCH_UP_MS = 2_000;

type Found = { readonly project: ProjectHere; readonly document: Document; readonly path: string };

/** Fails with `not_found` when the file is not there, is in no open project, or is no document. */
export async function findFileDocument(cli: Cli, api: Api, file: string): Promise<Found> {
  const path = await realpath(resolve(cli.cwd, file)).catch(() => {
    throw new Failure(
      'not_found',
      `There is no file ${printable(file)}. Check the path; markco docs lists the pages that are open.`,
    );
  });
  const { projects } = await api('projects', { signal: cli.signal });
  const project = await projectAround(projects, path);
  if (project?.localRootPath === undefined) {
    throw new Failure('not_found', `${printable(file)} is in no open project. Open its folder first: markco open DIR`);
  }
  const { documents } = await api('documents', { params: { id: project.id }, signal: cli.signal });
  const inProject = relative(project.localRootPath, path).split(sep).join('/').normalize('NFC');
  const document = documents.find(
    (each) => inProject === (each.path.endsWith(each.ext) ? each.path : each.path + each.ext),
  );
  if (document === undefined) {
    throw new Failure(
      'not_found',
      `${printable(file)} is no document of ${printable(project.displayName)}. Documents end in .md or .qmd.`,
    );
  }
  return { project, document, path };
}

/** Fails as `findFileDocument` does. */
export async function openFileDocument(cli: Cli, client: Client, file: string): Promise<OpenDocument> {
  const { project, document, path } = await findFileDocument(cli, client.api, file);
  const open = client.openDocument({ projectId: project.id, documentId: document.id });
  await open.ready;
  await catchUp(cli, open, path);
  return open;
}

/** A file that was saved a moment ago may be ahead of the document: what runs is what the person just saved. */
async function catchUp(cli: Cli, open: OpenDocument, path: string): Promise<void> {
  const saved = (await readFile(path, 'utf8')).replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const isEqual = () => open.text.toString() === saved;
  if (isEqual()) return;
  const { promise, resolve: settle } = Promise.withResolvers<boolean>();
  const look = () => {
    if (isEqual()) settle(true);
  };
  const timer = setTimeout(settle, CATCH_UP_MS, false);
  open.text.observe(look);
  try {
    if (await promise) return;
    cli.err.write('The document holds edits that are not in the file yet; the document is what runs.\n');
  } finally {
    clearTimeout(timer);
    open.text.unobserve(look);
  }
}
