/** What the contract of runtimes says, in Python. */
import type { Words } from '../runtime.contract.ts';

export const PYTHON_WORDS: Words = {
  print: 'import sys\nprint("one")\nprint("two")\nprint("three", file=sys.stderr)',
  keep: 'x = 41',
  kept: 'print(x + 1)',
  fail: ['1 / 0', 'ZeroDivisionError'],
  syntax: 'if (',
  loop: 'print("busy")\nwhile True: pass',
  sleep: 'import time\nprint("asleep")\ntime.sleep(300)\nprint("never")',
  slow: 'import time\nprint("first"); time.sleep(0.5); print("second"); time.sleep(0.5); print("third")',
  much: 'for i in range(200_000): print(str(i).ljust(49))',
  ask: 'print("<%s>" % input("Line: "))',
  askHidden: 'import getpass\nprint("<%s>" % getpass.getpass("Word: "))',
  crash: 'import os\nprint("last words", flush=True)\nos.kill(os.getpid(), 9)',
  child: 'import subprocess\nprint(subprocess.Popen(["sleep", "300"]).pid)',
  cutCharacter: `import subprocess\nsubprocess.run("printf '\\\\303'; sleep 0.2; printf '\\\\251\\\\n'", shell=True)\nNone`,
};
