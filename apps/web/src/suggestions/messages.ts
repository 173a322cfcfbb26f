/** The words of what guests suggest. They come with it, so that the page itself stays small. */
import { lookup } from '../i18n/words.ts';
import type { Message, Params } from '../i18n/translate.ts';

const en = {
  suggested: {
    one: '{count} change is suggested for this page.',
    other: '{count} changes are suggested for this page.',
  },
  review: 'Review',
  title: 'Suggested changes',
  reading: 'Reading what is suggested…',
  line: 'Line {line}',
  both: 'You changed this too: accepting it takes your words back.',
  goes: 'Goes',
  comes: 'Comes',
  accept: 'Accept',
  reject: 'Reject',
  acceptNamed: 'Accept the change in line {line}',
  rejectNamed: 'Reject the change in line {line}',
  acceptAll: 'Accept all',
  rejectAll: 'Reject all, and remove the copy',
  accepted: { one: '{count} change accepted.', other: '{count} changes accepted.' },
  rejected: { one: '{count} change rejected.', other: '{count} changes rejected.' },
  undo: 'Undo',
  done: 'Nothing is left to decide.',
  removeHint: 'The copy is still there for whoever has the link. Removed, it goes to the history.',
  remove: 'Remove the copy',
  more: {
    one: 'And {count} more, once you have decided these.',
    other: 'And {count} more, once you have decided these.',
  },
} as const;

const fr: Readonly<Record<keyof typeof en, Message>> = {
  suggested: {
    one: '{count} changement est suggéré pour cette page.',
    other: '{count} changements sont suggérés pour cette page.',
  },
  review: 'Examiner',
  title: 'Changements suggérés',
  reading: 'Lecture des suggestions…',
  line: 'Ligne {line}',
  both: 'Vous avez changé cela aussi : l’accepter reprend vos mots.',
  goes: 'Disparaît',
  comes: 'Apparaît',
  accept: 'Accepter',
  reject: 'Refuser',
  acceptNamed: 'Accepter le changement à la ligne {line}',
  rejectNamed: 'Refuser le changement à la ligne {line}',
  acceptAll: 'Tout accepter',
  rejectAll: 'Tout refuser, et supprimer la copie',
  accepted: { one: '{count} changement accepté.', other: '{count} changements acceptés.' },
  rejected: { one: '{count} changement refusé.', other: '{count} changements refusés.' },
  undo: 'Annuler',
  done: 'Il ne reste rien à décider.',
  removeHint: 'La copie est toujours là pour qui a le lien. Supprimée, elle va dans l’historique.',
  remove: 'Supprimer la copie',
  more: {
    one: 'Et {count} de plus, quand vous aurez décidé de ceux-ci.',
    other: 'Et {count} de plus, quand vous aurez décidé de ceux-ci.',
  },
};

export const suggestionsMessages = { en, fr } as const;
const words = lookup(suggestionsMessages);

export function g(key: keyof typeof en, params?: Params): string {
  return words(key, params);
}
