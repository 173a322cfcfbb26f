/** What this process has started, and what that has started: found through /proc, or by `ps` where there is none. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { kill, pid } from 'node:process';

/** A session that started more than this has more left over than a keeper can count. */
const PROCESSES_MAX = 4_000;

/** Children before grandchildren. Without what left the tree: a process whose parent has ended. */
export function descendantsOf(root: number): readonly number[] {
  const children = childrenFinder();
  const found = [...children(root)];
  for (let at = 0; at < found.length && found.length < PROCESSES_MAX; at += 1) found.push(...children(found[at] ?? 0));
  return found;
}

/** Ends them all. */
export function killDescendants(root: number): void {
  for (const one of descendantsOf(root)) {
    try {
      kill(one, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
}

function childrenFinder(): (parent: number) => readonly number[] {
  try {
    readFileSync(`/proc/${pid}/task/${pid}/children`);
    return childrenByProc;
  } catch {
    return childrenByPs();
  }
}

function childrenByProc(parent: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return []; // It has ended.
  }
}

function childrenByPs(): (parent: number) => readonly number[] {
  const byParent = new Map<number, number[]>();
  try {
    const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'latin1', timeout: 2_000 });
    for (const line of listed.trim().split('\n')) {
      const [child = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
      byParent.set(parent, [...(byParent.get(parent) ?? []), child]);
    }
  } catch {
    // Without `ps` only the host's signal to the whole process group ends them.
  }
  return (parent) => byParent.get(parent) ?? [];
}
