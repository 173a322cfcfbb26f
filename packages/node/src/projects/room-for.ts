/** Which folder a project of another device gets here: never one that has something else in it. */
import { Failure, type Project } from '@markco/protocol';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Names that are tried when those before are taken. */
const TRIES = 100;

/** What a person would call something: names with a dot in front are never in a project, and systems leave them about. */
async function hasContent(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).some((name) => !name.startsWith('.'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('bad_request', `${folder} cannot be used: ${why}. Give another folder.`, { cause });
  }
}

/** @throws Failure `conflict` when the folder has something in it: it would get into the project on every device */
export async function requireRoom(folder: string, { displayName }: Pick<Project, 'displayName'>): Promise<void> {
  if (await hasContent(folder))
    throw new Failure(
      'conflict',
      `${folder} has other files in it, which would get into ${displayName} on all your devices. Give an empty folder, or one that does not exist yet.`,
    );
}

/** In `parent`, by the project's slug, with a number behind it where another folder has that name. */
export async function roomIn(parent: string, { slug }: Pick<Project, 'slug'>): Promise<string> {
  for (let number = 1; number <= TRIES; number++) {
    const folder = join(parent, number === 1 ? slug : `${slug}-${number}`);
    if (!(await hasContent(folder))) return folder;
  }
  throw new Failure('conflict', `${parent} has no room for another ${slug}. Say which folder it should go into.`);
}
