/**
 * Why a run went where it went, in the page's language. Devices say it in English, in few sentences: those are said
 * again here; what is not known stays as it came.
 */
import type { Language } from '../i18n/translate.ts';

type Said = readonly [RegExp, string];

const REASONS: readonly Said[] = [
  [/has no (Python|R|Julia|Bash|JavaScript)/g, 'n’a pas $1'],
  [/runs only what is started on it/g, 'n’exécute que ce qui est lancé sur place'],
  [/is set to take no runs/g, 'est réglé pour ne rien exécuter'],
  [/has no GPU with CUDA/g, 'n’a pas de GPU avec CUDA'],
  [/has no GPU/g, 'n’a pas de GPU'],
  [/takes no heavy runs now/g, 'ne prend pas de tâche lourde en ce moment'],
  [/has no room in its queue/g, 'n’a plus de place dans sa file'],
  [/is offline/g, 'est hors ligne'],
  [/does not answer/g, 'ne répond pas'],
];

const SENTENCES: readonly Said[] = [
  [/^The session is already running on (.+)\.$/, 'La session tourne déjà sur $1.'],
  [/^(.+) has the GPU this run needs\.$/, '$1 a le GPU qu’il faut à cette exécution.'],
  [/^(.+) suits best of the devices that are on now\.$/, '$1 convient le mieux parmi les appareils allumés.'],
  [
    /^No device of yours can take it now, so (.+) runs it\.$/,
    'Aucun de vos appareils ne peut la prendre : $1 l’exécute.',
  ],
  [/^You chose (.+)\.$/, 'Vous avez choisi $1.'],
  [/^The code uses (.+): (.+) has a GPU\.$/, 'Le code utilise $1 : $2 a un GPU.'],
  [/^The run waits for (.+)\.$/, 'L’exécution attend $1.'],
  [
    /^It starts with a new session: the variables of the old one are on (.+)\.$/,
    'Elle commence dans une nouvelle session : les variables de l’ancienne sont sur $1.',
  ],
];

export function whyWords(why: string, language: Language): string {
  if (language === 'en') return why;
  return why
    .split(/(?<=\.) (?=[A-Z])/)
    .map((sentence) => {
      const known = SENTENCES.find(([said]) => said.test(sentence));
      if (known !== undefined) return sentence.replace(...known);
      return REASONS.reduce((text, [said, words]) => text.replace(said, words), sentence);
    })
    .join(' ');
}
