/** The words about where something runs, and why there. */
import { lookup } from '../i18n/words.ts';
import type { Params } from '../i18n/translate.ts';

const en = {
  runOn: 'Run this cell on',
  copyOn: 'Run a copy on',
  asking: 'Asking which device suits best…',
  thisDevice: 'this device',
  next: 'it would go here',
  keep: 'Always',
  keepOn: 'Always run this cell on {name}',
  keptOn: 'This cell always runs on {name}. Let the best device run it again',
  free: 'Let the best device run it',
  more: { one: 'and {count} more device', other: 'and {count} more devices' },

  session: 'has your variables',
  gpu: 'has a GPU',
  queue: 'nothing waits',
  busy: 'busy now',
  latency: 'near',
  policy: 'on battery, or to be spared',
  unstable: 'often away',

  'runtime-missing': 'has no {language}',
  'remote-execution-off': 'runs only what is started on it',
  'takes-no-runs': 'is set to take no runs',
  'gpu-missing': 'has no GPU that fits',
  'heavy-runs-off': 'takes no heavy runs now',
  'queue-full': 'has no room in its queue: the run waits',
  offline: 'is away: the run waits for it',
  offlineSince: 'is away since {time}: the run waits for it',
  silent: 'does not answer: the run waits for it',
  refused: 'cannot take it now',
  withoutProject: 'gets this project first',

  onDay: '{day}, {time}',
  itsDevice: 'Its device',
  waitsFor: 'Waits for {device}',
  awaySince: 'away since {time}',
  isSilent: '{device} does not answer since {time}',
  notBegun: 'It has not begun.',
  outputThere: 'Its output is on that device. It comes here when the device answers.',
} as const;

const fr: Readonly<Record<keyof typeof en, (typeof en)[keyof typeof en] | string | { one: string; other: string }>> = {
  runOn: 'Exécuter cette cellule sur',
  copyOn: 'Exécuter une copie sur',
  asking: 'Recherche du meilleur appareil…',
  thisDevice: 'cet appareil',
  next: 'elle irait ici',
  keep: 'Toujours',
  keepOn: 'Toujours exécuter cette cellule sur {name}',
  keptOn: 'Cette cellule s’exécute toujours sur {name}. Laisser de nouveau le meilleur appareil l’exécuter',
  free: 'Laisser le meilleur appareil l’exécuter',
  more: { one: 'et {count} autre appareil', other: 'et {count} autres appareils' },

  session: 'a vos variables',
  gpu: 'a un GPU',
  queue: 'rien n’attend',
  busy: 'occupé en ce moment',
  latency: 'proche',
  policy: 'sur batterie, ou à ménager',
  unstable: 'souvent absent',

  'runtime-missing': 'n’a pas {language}',
  'remote-execution-off': 'n’exécute que ce qui est lancé sur place',
  'takes-no-runs': 'est réglé pour ne rien exécuter',
  'gpu-missing': 'n’a pas de GPU qui convienne',
  'heavy-runs-off': 'ne prend pas de tâche lourde en ce moment',
  'queue-full': 'n’a plus de place dans sa file : l’exécution attend',
  offline: 'est absent : l’exécution l’attend',
  offlineSince: 'est absent depuis {time} : l’exécution l’attend',
  silent: 'ne répond pas : l’exécution l’attend',
  refused: 'ne peut pas la prendre en ce moment',
  withoutProject: 'reçoit d’abord ce projet',

  onDay: '{day}, {time}',
  itsDevice: 'Son appareil',
  waitsFor: 'Attend {device}',
  awaySince: 'absent depuis {time}',
  isSilent: '{device} ne répond pas depuis {time}',
  notBegun: 'Elle n’a pas commencé.',
  outputThere: 'Sa sortie est sur cet appareil. Elle arrivera ici dès qu’il répondra.',
};

export type PlacingKey = keyof typeof en;

const say = lookup({ en, fr });

export const p = (key: PlacingKey, params?: Params): string => say(key, params);

/** For a test that compares them. */
export const catalogs = { en, fr };
