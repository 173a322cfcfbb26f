import { env } from 'node:process';
import { tmpdir } from 'node:os';
import { NO_WISHES } from '../runtime.ts';
import { runtimeContract } from '../runtime.contract.ts';
import { rRuntime } from './r.ts';

runtimeContract('R', {
  language: 'r',
  async reason() {
    const place = { env, projectFolder: tmpdir(), config: NO_WISHES };
    const found = await rRuntime.detect(place, AbortSignal.timeout(10_000));
    return found.available ? null : found.hint;
  },
  words: {
    print: 'cat("one\\n")\nwriteLines("two")\nmessage("three")',
    keep: 'x <- 41',
    kept: 'cat(x + 1, "\\n", sep = "")',
    fail: ['stop("bad")', 'Error'],
    syntax: 'if (',
    loop: 'cat("busy\\n")\nrepeat {}',
    sleep: 'cat("asleep\\n")\nSys.sleep(300)',
    slow: '{ cat("first\\n"); Sys.sleep(0.5); cat("second\\n"); Sys.sleep(0.5); cat("third\\n") }',
    much: 'for (i in 0:199999) cat(formatC(i, width = -49, format = "d"), "\\n", sep = "")',
    ask: 'cat("<", readline("Line: "), ">\\n", sep = "")',
    askHidden: 'cat("<", getOption("askpass")("Word: "), ">\\n", sep = "")',
    crash: 'cat("last words\\n")\ntools::pskill(Sys.getpid(), 9)\nSys.sleep(300)',
    child: 'cat(system("sleep 300 >/dev/null & echo $!", intern = TRUE), "\\n", sep = "")',
    cutCharacter: `system("printf '\\\\303'; sleep 0.2; printf '\\\\251\\\\n'")`,
  },
});
