/**
 * The container of a project, as Docker is asked for it: the one place that says what code in it can reach.
 *
 * 1. A user without a name, no capability, none to be gained, Docker's own filter of system calls, a root nobody writes.
 * 2. Of the machine's files only the project, the folder in which its sessions talk to the device, and, to be read only,
 *    the program of the device. Never Docker's socket.
 * 3. No network, or one that reaches the internet and nothing nearer (`egress.ts`).
 */
import { createHash } from 'node:crypto';
import type { ContainerLimits } from './plan.ts';

/** Where things are in a container. */
export const INSIDE = { project: '/project', sessions: '/run/markco', home: '/tmp' } as const;
const OPEN_FILES_MAX = 4_096;
/** It waits for ever, and lets the system forget processes whose parents are gone. */
const IDLE = ['/bin/sh', '-c', 'trap "" CHLD; exec sleep infinity'];

export type ContainerWish = {
  readonly image: string;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly limits: ContainerLimits;
  readonly projectFolder: string;
  readonly sessionsFolder: string;
  /** Read only, at the same place. */
  readonly program: readonly string[];
  /** What Docker runs it with; null for what it uses itself. */
  readonly runtime: string | null;
  /** The name of a network, or `none`. */
  readonly network: string;
};

export const SPEC_LABEL = 'markco.spec';
export const OWNER_LABEL = 'markco.device';

export function containerSpec(wish: ContainerWish, owner: string) {
  const { user, limits } = wish;
  const bind = (source: string, target: string, readOnly: boolean) => ({
    ...{ Type: 'bind', Source: source, Target: target, ReadOnly: readOnly },
    BindOptions: { Propagation: 'rprivate' },
  });
  return {
    Image: wish.image,
    User: `${user.uid}:${user.gid}`,
    Cmd: IDLE,
    WorkingDir: INSIDE.project,
    Hostname: 'markco',
    Labels: { [SPEC_LABEL]: specHash(wish), [OWNER_LABEL]: owner },
    HostConfig: {
      ...(wish.runtime === null ? {} : { Runtime: wish.runtime }),
      NetworkMode: wish.network,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      IpcMode: 'private',
      PidMode: '',
      CgroupnsMode: 'private',
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      PidsLimit: limits.processes,
      NanoCpus: Math.round(limits.cpus * 1e9),
      OomScoreAdj: 500,
      ShmSize: limits.temporaryBytes,
      Tmpfs: { [INSIDE.home]: `rw,nosuid,nodev,mode=1777,size=${limits.temporaryBytes}` },
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'fsize', Soft: limits.fileBytes, Hard: limits.fileBytes },
        { Name: 'nofile', Soft: OPEN_FILES_MAX, Hard: OPEN_FILES_MAX },
      ],
      Mounts: [
        bind(wish.projectFolder, INSIDE.project, false),
        bind(wish.sessionsFolder, INSIDE.sessions, false),
        ...wish.program.map((folder) => bind(folder, folder, true)),
      ],
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    },
  };
}

/** A container with another one was made for something else, and is made anew. */
export const specHash = (wish: ContainerWish): string =>
  createHash('sha256').update(JSON.stringify(wish)).update(IDLE.join()).digest('hex').slice(0, 32);
