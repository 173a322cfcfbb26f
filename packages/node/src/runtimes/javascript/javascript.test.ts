import { runtimeContract } from '../runtime.contract.ts';

runtimeContract('JavaScript', {
  language: 'js',
  words: {
    print: 'console.log("one")\nconsole.log("two")\nconsole.error("three")',
    keep: 'const x = 41',
    kept: 'console.log(x + 1)',
    fail: ['throw new RangeError("no")', 'RangeError'],
    syntax: 'if (',
    loop: 'console.log("busy")\nwhile (true) {}',
    sleep: 'console.log("asleep")\nawait new Promise((wake) => setTimeout(wake, 300_000))\nconsole.log("never")',
    slow: `const wait = () => new Promise((wake) => setTimeout(wake, 500))
console.log('first'); await wait(); console.log('second'); await wait(); console.log('third')`,
    much: 'for (let i = 0; i < 200_000; i++) console.log(String(i).padEnd(49))',
    ask: 'const line = prompt("Line: "); console.log(`<${line}>`)',
    askHidden: 'const line = prompt("Word: ", { password: true }); console.log(`<${line}>`)',
    crash: 'console.log("last words"); process.kill(process.pid, "SIGKILL"); await new Promise(() => {})',
    child: 'console.log(require("node:child_process").spawn("sleep", ["300"]).pid)',
    cutCharacter: `require('node:child_process').execSync("printf '\\\\303'; sleep 0.2; printf '\\\\251\\\\n'", { stdio: 'inherit' });`,
  },
});
