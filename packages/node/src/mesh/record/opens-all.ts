/**
 * Opens every project of the user here, for who prefers that: as soon as a device that has it is connected, one after
 * another. One that was closed here stays closed.
 */
import type { ProjectId } from '@markco/protocol';
import type { ProjectElsewhere } from './elsewhere.ts';
import type { OpenHere } from './open-here.ts';

export type OpensAllParts = {
  readonly isWanted: () => boolean;
  readonly elsewhere: () => readonly ProjectElsewhere[];
  /** Whether a project is or was open here. */
  readonly isKnown: (id: ProjectId) => boolean;
  readonly open: OpenHere;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

/** Answers how to have it look again: what others have, who is connected or what is preferred has changed. */
export function createOpensAll({ isWanted, elsewhere, isKnown, open, onTrouble }: OpensAllParts): () => void {
  let isLooking = false;
  let isAsked = false;
  /** Told of once each; tried again whenever it looks. */
  const failed = new Set<ProjectId>();

  async function look(): Promise<void> {
    const wanted = elsewhere().filter(({ project, on }) => on.some((each) => each.connected) && !isKnown(project.id));
    for (const { project } of wanted) {
      if (!isWanted()) return;
      await open(project.id).catch((cause: unknown) => {
        if (!failed.has(project.id)) onTrouble(`opening ${project.slug} here`, cause);
        failed.add(project.id);
      });
    }
  }

  return () => {
    isAsked = true;
    if (isLooking || !isWanted()) return;
    isLooking = true;
    void (async () => {
      while (isAsked) {
        isAsked = false;
        await look();
      }
      isLooking = false;
    })();
  };
}
