/** The words for somebody who came by a share link. */
import { lookup } from '../i18n/words.ts';
import type { Params } from '../i18n/translate.ts';

const en = {
  linkOver: 'This link does not work any more',
  linkRevoked: 'Whoever sent it has revoked it. Ask them for another one.',
  linkEnded: 'Its time was over at {time}, {day}. Ask whoever sent it for another one.',
  notThere: 'This link leads nowhere',
  notSaved: 'What you wrote last was not saved. Copy it from here if you need it:',
  whole: 'The page as it was here',
} as const;

const fr: Readonly<Record<keyof typeof en, string>> = {
  linkOver: 'Ce lien ne marche plus',
  linkRevoked: 'La personne qui l’a envoyé l’a retiré. Demandez-lui-en un autre.',
  linkEnded: 'Il s’est terminé à {time}, {day}. Demandez-en un autre à qui l’a envoyé.',
  notThere: 'Ce lien ne mène nulle part',
  notSaved: 'Vos dernières modifications n’ont pas été enregistrées. Copiez-les d’ici si vous en avez besoin :',
  whole: 'La page telle qu’elle était ici',
};

const words = lookup({ en, fr });

export function g(key: keyof typeof en, params?: Params): string {
  return words(key, params);
}
