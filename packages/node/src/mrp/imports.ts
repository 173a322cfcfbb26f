/** The names of what code imports, read line by line: cheap, and good enough to say what a cell depends on. */
import type { Language } from '@markco/protocol';

const IMPORTS_MAX = 100;
const LINES_READ = 5_000;
const LINE_CHARS = 1_000;

/** Each finds a list of names, parted by commas, in its first group that is there. */
const PATTERNS: Readonly<Record<Language, readonly RegExp[]>> = {
  python: [/^\s*from\s+([\w.]+)\s+import\b/, /^\s*import\s+([\w., ]+)/],
  js: [
    /^\s*(?:import|export)\b[^'"]{0,500}\bfrom\s*['"]([^'"]+)['"]/,
    /^\s*import\s*['"]([^'"]+)['"]/,
    /\b(?:require|import)\(\s*['"]([^'"]+)['"]\s*\)/,
  ],
  r: [/^\s*(?:library|require)\(\s*['"]?([\w.]+)/],
  julia: [/^\s*(?:using|import)\s+([\w., ]+)/],
  bash: [/^\s*(?:source|\.)\s+([^\s;&|]+)/],
};

/** In the order of the code, each once; at most 100. */
export function importsOf(code: string, language: Language): string[] {
  const found = new Set<string>();
  for (const line of code.split('\n', LINES_READ)) {
    for (const pattern of PATTERNS[language]) {
      const [, list] = pattern.exec(line.slice(0, LINE_CHARS)) ?? [];
      if (list === undefined) continue;
      for (const part of list.split(',')) {
        const name = part.trim().split(/\s+as\s+/)[0] ?? '';
        if (name !== '' && found.size < IMPORTS_MAX) found.add(name);
      }
      break;
    }
  }
  return [...found];
}
