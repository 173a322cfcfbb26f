/** For tests: programs that take what they can get. Each prints `on` once it has begun, and none ends by itself for long. */

export type Hog = {
  readonly name: string;
  readonly code: string;
  /** What it runs into; its end or what the device says in its output names it. */
  readonly limit?: RegExp;
  /** It fills the disk it is on. */
  readonly fillsDisk?: true;
  /** What it started can miss the interrupt (in a group of its own, or between fork and exec): it ends with the session. */
  readonly leavesDaemon?: true;
};

const FOREVER = 'import time\nwhile True: time.sleep(1)';

export const HOGS: readonly Hog[] = [
  { name: 'spins on more cores than there are', code: spin(8) },
  { name: 'prints without end', code: `print("on", flush=True)\nimport os\nos.system("yes")` },
  {
    name: 'prints one line of 200 MB',
    code: `print("on", flush=True)\nprint("x" * 200_000_000)\n${FOREVER}`,
  },
  {
    name: 'leaves a daemon that left every group',
    code: `import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.chdir("/")\n        os.execvp("sleep", ["markco-hog", "1000"])\n    os._exit(0)\nos.wait()\nprint("on", flush=True)\n${FOREVER}`,
    leavesDaemon: true,
  },
  {
    name: 'opens files without end',
    code: `print("on", flush=True)\nfiles = []\ntry:\n    while len(files) < 200_000: files.append(open("/dev/null"))\nexcept OSError as error: print(error, flush=True)\n${FOREVER}`,
  },
  {
    name: 'starts threads without end',
    code: `import threading, time\nprint("on", flush=True)\ntry:\n    for _ in range(20_000): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\nexcept RuntimeError as error: print(error, flush=True)\n${FOREVER}`,
    limit: /200 processes and threads, the most it may have/,
  },
  {
    name: 'recurses until its stack is gone',
    code: `import sys\nprint("on", flush=True)\nsys.setrecursionlimit(10**9)\ndef f(): return eval("f()")\nf()`,
    limit: /SIGSEGV/,
  },
  {
    name: 'closes its standard streams',
    code: `import os\nprint("on", flush=True)\nos.closerange(0, 3)\n${FOREVER}`,
  },
  {
    name: 'ignores every signal it can',
    code: `import signal\nfor s in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nprint("on", flush=True)\nwhile True: pass`,
  },
  {
    name: 'fills the disk',
    code: `print("on", flush=True)\nimport time\nwith open("ballast", "wb", buffering=0) as f:\n    while True:\n        try: f.write(b"x" * 65536)\n        except OSError: time.sleep(0.01)`,
    fillsDisk: true,
  },
  {
    name: 'starts processes without end',
    code: `import subprocess, time\nprint("on", flush=True)\nstarted = []\ntry:\n    while len(started) < 5_000: started.append(subprocess.Popen(["sleep", "1000"]))\nexcept OSError as error: print(error, flush=True)\n${FOREVER}`,
    leavesDaemon: true,
    limit: /200 processes and threads, the most it may have/,
  },
  {
    name: 'takes 10 GB',
    code: `print("on", flush=True)\ntaken = []\nfor _ in range(160): taken.append(b"x" * 64_000_000)\n${FOREVER}`,
    limit: /MemoryLimit.*out of memory/s,
  },
];

function spin(processes: number): string {
  return `import os\nfor _ in range(${processes - 1}):\n    if os.fork() == 0: break\nelse: print("on", flush=True)\nwhile True: pass`;
}
