/** What projects are is told once; one that has forgotten it, or never knew how to remember it, is told again. */
import { newId, type Project, type ProjectId, type UserId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { readMessage } from './messages.ts';
import { noProjectsBefore, tellProjects, type ProjectsHere, type ProjectsMessage } from './tell-projects.ts';

const ids = { now: () => Date.now(), randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const at = new Date(1_800_000_000_000).toISOString();
const project = (slug: string): Project => ({
  ...{ id: newId<ProjectId>(ids), userId: newId<UserId>(ids), slug, displayName: slug, configPath: 'mrmd.md' },
  ...{ source: 'opened-local', syncMode: 'active', visibility: 'private', createdAt: at, updatedAt: at },
});
const [one, two] = [project('one'), project('two')];
const here = (hash: string): ProjectsHere => [
  { project: one, hash: hash.repeat(16) },
  { project: two, hash: '0'.repeat(16) },
];

/** Of one connection: what this one tells the other, and what the other takes from it, until nothing more is said. */
function meet(
  mine: ReturnType<typeof noProjectsBefore>,
  theirs: ReturnType<typeof noProjectsBefore>,
  all: ProjectsHere,
) {
  const said: string[] = [];
  let heard: ProjectsHere | null = null;
  const over = (message: ProjectsMessage): ProjectsMessage => readMessage(JSON.stringify(message)) as ProjectsMessage;
  const teller = tellProjects(mine, (message) => {
    said.push(message.op);
    heard = listener.hear(over(message)) ?? heard;
  });
  const listener = tellProjects(theirs, (message) => {
    said.push(message.op);
    teller.hear(over(message));
  });
  teller.tell(all);
  return { said, heard, teller };
}

test('two that meet again say digests only, of what has changed as well', () => {
  const [mine, theirs] = [noProjectsBefore(), noProjectsBefore()];
  expect(meet(mine, theirs, here('a'))).toMatchObject({ said: ['projects'], heard: here('a') });
  expect(meet(mine, theirs, here('a'))).toMatchObject({ said: ['digests'], heard: here('a') });
  expect(meet(mine, theirs, here('b'))).toMatchObject({ said: ['digests'], heard: here('b') });
});

test('who has forgotten asks, and what projects are is told again once it is something else', () => {
  const mine = noProjectsBefore();
  meet(mine, noProjectsBefore(), here('a'));
  const anew = noProjectsBefore();
  expect(meet(mine, anew, here('a'))).toMatchObject({ said: ['digests', 'ask', 'projects'], heard: here('a') });
  const renamed = here('a').map((each) => ({ ...each, project: { ...each.project, displayName: 'other' } }));
  expect(meet(mine, anew, renamed)).toMatchObject({ said: ['projects'], heard: renamed });
  expect(meet(mine, anew, [])).toMatchObject({ said: ['projects'], heard: [] });
});

test('a device that was started with an earlier version is told all, as it tells all itself', () => {
  const mine = noProjectsBefore();
  const { said, teller } = meet(mine, noProjectsBefore(), here('a'));
  said.length = 0;
  teller.tell(here('a'));
  expect(said).toEqual(['digests']);
  teller.hear({ op: 'projects', projects: here('c') });
  expect(said).toEqual(['digests', 'projects']);
  teller.hear({ op: 'projects', projects: here('d') });
  expect(said).toEqual(['digests', 'projects']);
});
