/** The R code of ours that answers and runs cells in `driver/`, as R that loads it. */
import { fileURLToPath } from 'node:url';
import { literal } from './literal.ts';

/** What answers questions; `wire` has no effect until something is said. */
const ANSWERING = ['wire', 'cells', 'answers'] as const;
const ALL = [...ANSWERING, 'plots', 'input', 'serve'] as const;

/** Leaves an environment called `driver`. What is not there is found as in base R's own code. */
export function loadDriver(what: 'all' | 'answering'): string {
  const names = what === 'all' ? ALL : ANSWERING;
  const files = names.map((name) => literal(fileURLToPath(new URL(`driver/${name}.R`, import.meta.url))));
  return [
    'driver <- new.env(parent = .BaseNamespaceEnv)',
    `for (file in c(${files.join(', ')})) sys.source(file, driver, keep.source = FALSE)`,
  ].join('; ');
}
