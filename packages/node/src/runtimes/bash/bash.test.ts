import { runtimeContract } from '../runtime.contract.ts';

runtimeContract('bash', {
  language: 'bash',
  words: {
    print: 'echo one\nprintf "two\\n"\necho three >/dev/stderr',
    keep: 'x=41',
    kept: 'echo $((x + 1))',
    fail: ['false', 'ExitCode'],
    syntax: 'if (',
    loop: 'echo busy\nwhile :; do :; done',
    sleep: 'echo asleep\nsleep 300\necho never',
    slow: 'echo first; sleep 0.5; echo second; sleep 0.5; echo third',
    much: `awk 'BEGIN { for (i = 0; i < 200000; i++) printf "%-49s\\n", i }'`,
    ask: 'read -r line; echo "<$line>"',
    askHidden: 'read -rsp "Word: " line; echo "<$line>"',
    crash: 'echo last words\nkill -9 $$',
    child: 'sleep 300 &\necho $!',
    cutCharacter: `printf '\\303'; sleep 0.2; printf '\\251\\n'`,
  },
});
