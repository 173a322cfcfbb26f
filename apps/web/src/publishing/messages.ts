/** The words of showing a project to everybody. They come with its dialog, so that the page itself stays small. */
import type { Params } from '../i18n/translate.ts';
import { lookup } from '../i18n/words.ts';

const en = {
  reading: 'Asking the cloud…',
  again: 'Try again',
  none: '{name} is not public. Published, everybody who has its address reads its pages, also while your devices are off.',
  userName: 'The name that your pages are under',
  userNameHint: 'It is chosen once, and stays yours: a to z, 0 to 9 and -. Your pages are at /@{name}/{slug}.',
  you: 'you',
  publish: 'Publish',
  publishing: 'Publishing…',
  address: 'Address',
  copy: 'Copy',
  copied: 'Copied.',
  open: 'Open',
  onePage: '1 page is public. First made public: {day}.',
  pages: '{count} pages are public. First made public: {day}.',
  noPage: 'No page is public yet: all of them are kept back, or left out.',
  follows: 'Readers see what you save, within seconds',
  stays: 'Readers see it as it was when you published it. Publish it again to show it as it is now.',
  publishAgain: 'Publish again, as it is now',
  held: 'Kept back, because it looks like a secret',
  heldHint:
    'Remove it, and the page is public by itself. A key that was public once is known: take it back where it is from.',
  heldLine: '{path}, line {line}: looks like {kind}',
  allow: 'It is no secret',
  allowNamed: 'It is no secret: {path}, line {line}',
  leftOut: 'Not public',
  leftOutMore: 'and {count} more',
  takeBack: 'Take back',
  takenBack: 'Nothing of {name} is public any more.',
  public: '{name} is public.',
};

const fr: typeof en = {
  reading: 'Le cloud est interrogé…',
  again: 'Réessayer',
  none: '{name} n’est pas public. Une fois publié, quiconque a son adresse lit ses pages, même quand vos appareils sont éteints.',
  userName: 'Le nom sous lequel sont vos pages',
  userNameHint: 'Il est choisi une fois et reste le vôtre : a à z, 0 à 9 et -. Vos pages sont à /@{name}/{slug}.',
  you: 'vous',
  publish: 'Publier',
  publishing: 'Publication…',
  address: 'Adresse',
  copy: 'Copier',
  copied: 'Copié.',
  open: 'Ouvrir',
  onePage: '1 page est publique. Publiée pour la première fois : {day}.',
  pages: '{count} pages sont publiques. Publiées pour la première fois : {day}.',
  noPage: 'Aucune page n’est encore publique : toutes sont retenues ou laissées de côté.',
  follows: 'On voit ce que vous enregistrez, en quelques secondes',
  stays: 'On voit l’état du moment de la publication. Publiez de nouveau pour montrer l’état actuel.',
  publishAgain: 'Publier de nouveau, tel quel',
  held: 'Retenu, car cela ressemble à un secret',
  heldHint: 'Retirez-le, et la page devient publique d’elle-même. Une clé publiée une fois est connue : révoquez-la.',
  heldLine: '{path}, ligne {line} : ressemble à {kind}',
  allow: 'Ce n’est pas un secret',
  allowNamed: 'Ce n’est pas un secret : {path}, ligne {line}',
  leftOut: 'Pas public',
  leftOutMore: 'et {count} de plus',
  takeBack: 'Retirer',
  takenBack: 'Plus rien de {name} n’est public.',
  public: '{name} est public.',
};

const words = lookup({ en, fr } as const);

export function w(key: keyof typeof en, params?: Params): string {
  return words(key, params);
}
