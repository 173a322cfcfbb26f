/** The same small programs in each language. A language that is not here is checked with what needs no program. */

export type Programs = {
  /** Prints `hi there` and a line break. */
  readonly print: string;
  /** Prints `to stderr` and a line break there. */
  readonly printError: string;
  /** Its value is 42; null where code has no value. */
  readonly value: string | null;
  /** Prints `a`, a carriage return, `b`, and a color code. */
  readonly escapes: string;
  readonly fails: string;
  /** Fails in its third line; null where the traceback of the language does not say. */
  readonly failsInLine3: string | null;
  /** Asks `Name? `, then prints `hello ` and the answer; null where code cannot ask. */
  readonly asks: string | null;
  /** Prints `begun` and a line break, then does nothing for 30 s. */
  readonly waits: string;
  /** Prints `one`, line break, waits a moment, `two`, line break. */
  readonly slow: string;
  /** Sets `answer_to_all` to 42. */
  readonly assign: string;
  /** Prints the number that `assign` set, and nothing else but white space. */
  readonly read: string;
  readonly whole: string;
  readonly begun: string | null;
  /** Whether its interpreter can say what its variables are while it runs code. */
  readonly tellsWhileBusy: boolean;
  /** A function that has documentation, and where the cursor stands in it; null where there is none to tell. */
  readonly documented: { readonly setup: string; readonly code: string } | null;
};

const PYTHON: Programs = {
  print: 'print("hi there")',
  printError: 'import sys\nprint("to stderr", file=sys.stderr)',
  value: '6 * 7',
  escapes: 'print("a\\rb\\x1b[31mc\\x1b[0m")',
  fails: 'no_such_name_here',
  failsInLine3: 'a = 1\nb = 2\nno_such_name_here\n',
  asks: 'name = input("Name? ")\nprint("hello " + name)',
  waits: 'import time\nprint("begun", flush=True)\ntime.sleep(30)',
  slow: 'import time\nprint("one", flush=True)\ntime.sleep(0.3)\nprint("two")',
  assign: 'answer_to_all = 42',
  read: 'print(answer_to_all)',
  whole: 'x = 1',
  begun: 'if True:',
  tellsWhileBusy: true,
  documented: { setup: 'def told(a, b=1):\n    "What it does."\n    return a\n', code: 'told' },
};
const BASH: Programs = {
  print: 'echo "hi there"',
  printError: 'echo "to stderr" >&2',
  value: null,
  escapes: "printf 'a\\rb\\033[31mc\\033[0m\\n'",
  fails: 'no_such_program_here',
  failsInLine3: null,
  asks: 'read -r -p "Name? " name; echo "hello $name"',
  waits: 'echo begun; sleep 30',
  slow: 'echo one; sleep 0.3; echo two',
  assign: 'answer_to_all=42',
  read: 'echo "$answer_to_all"',
  whole: 'x=1',
  begun: 'if true; then',
  tellsWhileBusy: false,
  documented: null,
};
const JS: Programs = {
  print: 'console.log("hi there")',
  printError: 'console.error("to stderr")',
  value: '6 * 7',
  escapes: 'process.stdout.write("a\\rb\\x1b[31mc\\x1b[0m\\n")',
  fails: 'noSuchNameHere',
  failsInLine3: 'var a = 1\nvar b = 2\nnoSuchNameHere()\n',
  asks: 'console.log("hello " + prompt("Name? "))',
  waits: 'console.log("begun"); await new Promise((resolve) => setTimeout(resolve, 30_000))',
  slow: 'console.log("one"); await new Promise((resolve) => setTimeout(resolve, 300)); console.log("two")',
  assign: 'var answer_to_all = 42',
  read: 'console.log(answer_to_all)',
  whole: 'var x = 1',
  begun: 'if (true) {',
  tellsWhileBusy: true,
  documented: null,
};
const R: Programs = {
  print: 'cat("hi there\\n")',
  printError: 'cat("to stderr\\n", file = stderr())',
  value: '6 * 7',
  escapes: 'cat("a\\rb\\033[31mc\\033[0m\\n")',
  fails: 'no_such_name_here',
  failsInLine3: 'a <- 1\nb <- 2\nno_such_name_here\n',
  asks: 'name <- readline("Name? "); cat("hello ", name, "\\n", sep = "")',
  waits: 'cat("begun\\n"); Sys.sleep(30)',
  slow: 'cat("one\\n"); Sys.sleep(0.3); cat("two\\n")',
  assign: 'answer_to_all <- 42',
  read: 'cat(answer_to_all, "\\n", sep = "")',
  whole: 'x <- 1',
  begun: 'f <- function(',
  tellsWhileBusy: false,
  documented: { setup: 'told <- function(a, b = 1) {\n  # What it does.\n  a # return a\n}', code: 'told' },
};
const JULIA: Programs = {
  print: 'println("hi there")',
  printError: 'println(stderr, "to stderr")',
  value: '6 * 7',
  escapes: 'print("a\\rb\\e[31mc\\e[0m\\n")',
  fails: 'no_such_name_here',
  failsInLine3: null,
  asks: null,
  waits: 'println("begun"); sleep(30)',
  slow: 'println("one"); sleep(0.3); println("two")',
  assign: 'answer_to_all = 42',
  read: 'println(answer_to_all)',
  whole: 'x = 1',
  begun: null,
  tellsWhileBusy: false,
  documented: null,
};

const BY_NAME: Readonly<Record<string, Programs>> = {
  python: PYTHON,
  py: PYTHON,
  python3: PYTHON,
  bash: BASH,
  sh: BASH,
  js: JS,
  javascript: JS,
  r: R,
  julia: JULIA,
};

export function programsOf(language: string): Programs | undefined {
  return BY_NAME[language.toLowerCase()];
}
