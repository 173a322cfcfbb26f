/**
 * Whether a program waits for a line on the standard input that its session gave it.
 *
 * Nobody tells: the kernel is asked. A process of ours that is inside `read` of descriptor 0, where that is the
 * session's pipe, waits for the person. Only on Linux; elsewhere nothing is found and such a program waits on.
 */
import { readFileSync, statSync } from 'node:fs';
import { arch, pid } from 'node:process';
import { descendantsOf } from './process-tree.ts';

/** The number of `read` in the kernel's table. */
const READ: Readonly<Record<string, string>> = { x64: '0', arm64: '63', ia32: '3', arm: '3', riscv64: '63' };
const SOON_MS = 60;
/** A run that has gone on for a while without asking is looked at less often. */
const LATER_MS = 400;
const SOON_COUNT = 20;

export type StdinWatch = ReturnType<typeof watchStdin>;

/** `onWaiting` is told once; `start` looks again, as after an answer. */
export function watchStdin(file: string, onWaiting: () => void) {
  let timer: NodeJS.Timeout | null = null;
  let looks = 0;

  function look(): void {
    if (descendantsOf(pid).some((one) => waitsFor(one, file))) {
      timer = null;
      onWaiting();
      return;
    }
    looks += 1;
    timer = setTimeout(look, looks < SOON_COUNT ? SOON_MS : LATER_MS);
  }

  function stop(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  }

  return {
    start(): true {
      stop();
      looks = 0;
      timer = setTimeout(look, SOON_MS);
      return true;
    },
    stop,
  };
}

function waitsFor(one: number, file: string): boolean {
  try {
    const [number, first] = readFileSync(`/proc/${one}/syscall`, 'latin1').split(' ');
    return number === READ[arch] && Number(first) === 0 && isSame(`/proc/${one}/fd/0`, file);
  } catch {
    return false; // It has ended, or the kernel does not say.
  }
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [statSync(a), statSync(b)];
  return one.ino === other.ino && one.dev === other.dev;
}
