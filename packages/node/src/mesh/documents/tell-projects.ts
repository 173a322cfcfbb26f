/**
 * What two devices tell each other of the projects that they have open: what they are, which seldom changes, and a digest
 * of all that is in each. What they are is told once; who has heard it and remembers it is told the digests alone.
 *
 * A device that does not remember it asks. One of an earlier version says its own without a name for them: it is told all.
 */
import type { Project } from '@markco/protocol';
import { createHash } from 'node:crypto';
import type { Message } from './messages.ts';

type About<Op extends Message['op']> = Extract<Message, { op: Op }>;
export type ProjectsHere = About<'projects'>['projects'];
export type ProjectsMessage = About<'projects' | 'digests' | 'ask'>;

/** What two devices know of each other's projects from when they were connected before. */
export type ProjectsBefore = {
  /** By which name the other one was told them here last. */
  toldAs: string | null;
  heard: { readonly as: string; readonly projects: readonly Project[] } | null;
};

export const noProjectsBefore = (): ProjectsBefore => ({ toldAs: null, heard: null });

export function tellProjects(before: ProjectsBefore, say: (message: ProjectsMessage) => void) {
  let said: ProjectsHere = [];
  let isShort = false;

  function sayAll(): void {
    isShort = false;
    before.toldAs = nameOf(said);
    say({ op: 'projects', projects: said, as: before.toldAs });
  }

  return {
    tell(projects: ProjectsHere): void {
      said = projects;
      isShort = before.toldAs === nameOf(projects);
      if (isShort) say({ op: 'digests', of: nameOf(projects), hashes: projects.map(({ hash }) => hash) });
      else sayAll();
    },

    /** Whether it is not what was said last. */
    isNews: (projects: ProjectsHere): boolean => digestsOf(projects) !== digestsOf(said),

    /** What the other one has open; null where it has to say so first, and is asked to. */
    hear(message: ProjectsMessage): ProjectsHere | null {
      if (message.op === 'ask') {
        sayAll();
        return null;
      }
      if (message.op === 'projects') {
        const { projects, as } = message;
        before.heard = as === undefined ? null : { as, projects: projects.map(({ project }) => project) };
        if (as === undefined && isShort) sayAll();
        return projects;
      }
      const { of, hashes } = message;
      const known = before.heard?.as === of ? before.heard.projects : [];
      const found = known.flatMap((project, at) => {
        const hash = hashes[at];
        return hash === undefined ? [] : [{ project, hash }];
      });
      if (found.length === hashes.length && before.heard?.as === of) return found;
      say({ op: 'ask' });
      return null;
    },
  };
}

const nameOf = (projects: ProjectsHere): string =>
  createHash('sha256')
    .update(JSON.stringify(projects.map(({ project }) => project)))
    .digest('hex')
    .slice(0, 16);

const digestsOf = (projects: ProjectsHere): string =>
  projects.map(({ project, hash }) => `${project.id} ${hash}`).join();
