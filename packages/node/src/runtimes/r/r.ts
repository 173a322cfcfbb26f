/** R 4 or newer, with nothing installed but R; without it, R's Jupyter kernel where there is one. */
import path from 'node:path';
import { QUESTION_KINDS } from '@markco/protocol';
import { findProgram } from '../find-program.ts';
import { keeperCommand } from '../keeper/command.ts';
import type { RuntimeDescriptor, RuntimePlace } from '../runtime.ts';

export const rRuntime: RuntimeDescriptor = {
  language: 'r',
  aliases: [],
  label: 'R',
  answers: QUESTION_KINDS,
  detect: (place, signal) =>
    findProgram(
      {
        label: 'R',
        names: ['R'],
        args: ['--version'],
        version: /R version (\d+\.\d+\.\d+)/,
        oldest: 4,
        howToGet:
          'Install it from r-project.org or with the package manager (Debian and Ubuntu: `sudo apt install r-base-core`, macOS: `brew install r`), then run the cell again.',
      },
      withoutRscript(place),
      signal,
    ),
  command: (session, executable, place) => keeperCommand('r', session, executable, place),
};

/** Who names `Rscript` means the R beside it: only that can be kept. */
function withoutRscript(place: RuntimePlace): RuntimePlace {
  const wish = place.config.path;
  if (wish === null || path.basename(wish) !== 'Rscript') return place;
  return { ...place, config: { ...place.config, path: path.join(path.dirname(wish), 'R') } };
}
