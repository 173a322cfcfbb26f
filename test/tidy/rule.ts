/** A house rule: a pure function from the sources to what breaks it. */
import type { SourceFile } from '../../setup/sources.ts';

export type Breach = { readonly path: string; readonly line: number; readonly message: string };

export type Rule = {
  readonly name: string;
  /** Which files it is about; a rule that is about none has seen nothing and fails. */
  concerns(path: string): boolean;
  check(file: SourceFile): readonly Breach[];
};

/** Breaches of one rule over many files. */
export function breachesOf(rule: Rule, files: readonly SourceFile[]): readonly Breach[] {
  const concerned = files.filter((file) => rule.concerns(file.path));
  if (concerned.length === 0) return [{ path: '', line: 0, message: `the rule "${rule.name}" saw no files` }];
  return concerned.flatMap((file) => rule.check(file));
}

/** A rule that forbids a pattern, line by line. */
export function forbid(name: string, pattern: RegExp, message: string, concerns: (path: string) => boolean): Rule {
  return {
    name,
    concerns,
    check: ({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) =>
          pattern.test(line) ? [{ path, line: index + 1, message: `${message}: ${line.trim()}` }] : [],
        ),
  };
}

export const isCode = (path: string): boolean => /\.(ts|tsx|mjs)$/.test(path);
export const isTest = (path: string): boolean =>
  /\.(test|fixture|contract)\.tsx?$/.test(path) || path.startsWith('test/');
