/**
 * How much a cloud may delete on this device. One that is honest passes on what people deleted elsewhere, a few at a
 * time; one that is not could empty every folder. More is not taken: who did delete so many deletes them here too.
 */
import type { ProjectId } from '@markco/protocol';

const WINDOW_MS = 3_600_000;
/** Or a quarter of a project, where that is more. */
export const DELETIONS_MAX = 10;
const PROJECTS_MAX = 1_000;

export type Deletions = {
  /** Whether so many of a project's documents may be deleted now; all of them or none. */
  admit(project: ProjectId, count: number, documents: number): boolean;
};

export function createDeletions(now: () => number): Deletions {
  const projects = new Map<ProjectId, { at: number; count: number }>();
  return {
    admit(project, count, documents) {
      const before = projects.get(project);
      const window = before === undefined || now() - before.at > WINDOW_MS ? { at: now(), count: 0 } : before;
      if (window.count + count > Math.max(DELETIONS_MAX, documents / 4)) return false;
      window.count += count;
      projects.delete(project);
      projects.set(project, window);
      const [oldest] = projects.keys();
      if (projects.size > PROJECTS_MAX && oldest !== undefined) projects.delete(oldest);
      return true;
    },
  };
}
