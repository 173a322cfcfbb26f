/** The words for somebody who came by a share link. */
import { lookup } from '../i18n/words.ts';
import type { Params } from '../i18n/translate.ts';

const en = {
  linkOver: 'This link does not work any more',
  linkRevoked: 'Whoever sent it has revoked it. Ask them for another one.',
  linkEnded: 'Its time was over at {time}, {day}. Ask whoever sent it for another one.',
  notThere: 'This link leads nowhere',
  suggestHere: 'You may suggest changes: write them in the copy of this page.',
  openCopy: 'Open the copy',
  isCopy: 'This is the copy. Whoever shared it sees what you write here, and takes from it what they like.',
  openPage: 'Open the page itself',
  notSaved: 'What you wrote last was not saved. Copy it from here if you need it:',
  whole: 'The page as it was here',
} as const;

const fr: Readonly<Record<keyof typeof en, string>> = {
  linkOver: 'Ce lien ne marche plus',
  linkRevoked: 'La personne qui l’a envoyé l’a retiré. Demandez-lui-en un autre.',
  linkEnded: 'Il s’est terminé à {time}, {day}. Demandez-en un autre à qui l’a envoyé.',
  notThere: 'Ce lien ne mène nulle part',
  suggestHere: 'Vous pouvez suggérer des changements : écrivez-les dans la copie de cette page.',
  openCopy: 'Ouvrir la copie',
  isCopy: 'Voici la copie. La personne qui l’a partagée voit ce que vous y écrivez et en prend ce qu’elle veut.',
  openPage: 'Ouvrir la page elle-même',
  notSaved: 'Vos dernières modifications n’ont pas été enregistrées. Copiez-les d’ici si vous en avez besoin :',
  whole: 'La page telle qu’elle était ici',
};

const words = lookup({ en, fr });

export function g(key: keyof typeof en, params?: Params): string {
  return words(key, params);
}
