/** The words of the dialog of devices. They come with it, so that the page itself stays small. */
import { lookup } from '../i18n/words.ts';
import type { Params } from '../i18n/translate.ts';

const en = {
  readingDevices: 'Reading your devices…',
  thisDevice: 'This device',
  online: 'Online',
  onlineBy: 'Online · {way}',
  onlineByIn: 'Online · {way}, {ms} ms',
  direct: 'direct',
  relayed: 'relayed',
  relayedBy: 'relayed by {name}',
  connecting: 'Connecting since {time}',
  offline: 'Offline since {time}',
  onDay: '{day}, {time}',
  runs: 'Runs {languages}',
  runsNothing: 'Runs nothing for your other devices',
  gpu: 'GPU',
  gpuMemory: '{model} {gb} GB',
  plainAgent: 'Plain agent: takes runs from this cloud',
  remove: 'Remove…',
  removeNamed: 'Remove {name}…',
  removeTitle: 'Remove {name}?',
  removeText:
    '{name} is cut off from your other devices and their projects, everywhere. The files it has stay on it. To come back it must be added again.',
  removeIt: 'Remove',
  doubts: 'Something is wrong with your cloud',
  settleDoubts: 'I have seen to it',
  alone: 'This is your only device so far. Add another to have your projects on it and to run cells there.',
  addDevice: 'Add a device',
  joinDevice: 'Join another device',
  back: 'Back',
  done: 'Done',

  makingCode: 'Making a code…',
  typeCode: 'On the new device: Devices, “Join another device”, and this code. Or in a terminal: markco pair {code}',
  code: 'Code',
  orLink: 'When it is not on this network, or the code is not found, give it this link:',
  link: 'Link',
  copy: 'Copy',
  copied: 'Copied',
  qrCode: 'QR code of the link',
  codeEndsIn: 'Good for {time} more, for one device.',
  codeOver: 'This code is over. Make a new one.',
  newCode: 'New code',
  cancelCode: 'Cancel this code',
  asks: '{device} asks to be added',
  sameWords: 'Does its screen show the same?',
  addIt: 'Add it',
  dont: 'Don’t',
  addsIt: 'Once added, it has your projects, can run code on your devices, and can add and remove devices.',
  addsServer:
    'It is a server: once added, it has your projects and runs what your devices ask. It starts nothing on them, and adds and removes none.',
  addsBrowser:
    'It is a browser: once added, it can edit your projects and run code on your devices. It adds and removes no devices.',
  ifNotSame: 'If its words differ, don’t add it: somebody may be in between.',
  added: '{name} is one of your devices now.',
  theDevice: 'The device',

  joinText: 'On one of your devices, choose “Add a device”. Type the 8 digits that it shows, or paste its link.',
  codeOrLink: 'Code or link',
  join: 'Join',
  findingDevice: 'Looking for the other device…',
  compareThere: 'The other device must show the same. Say yes there.',
  joined: 'This is one of your devices now.',

  addBrowser: 'Add this browser to your devices',
  addBrowserAgain: 'Add this browser anew',
  browserAlone:
    'This cloud runs no code. Once this browser is one of your devices, it runs cells on the others, with a key that the cloud does not have.',
  cloudIsMirror: 'The cloud is a copy only: nothing that is written there comes here (SYNC_MODE=mirror).',
  cloudIsOff: 'The cloud is left alone: your documents stay on your devices (SYNC_MODE=legacy).',
  browserIs: 'Cells run on your devices that are online. To remove this browser, use one of your machines.',
  browserJoinText:
    'On one of your machines, type: markco pair. Or choose “Add a device” there. Then type here the 8 digits that it shows.',
  browserJoined: 'This browser is one of your devices now. Cells of this page run on the others.',

  elsewhere: 'Projects of your other devices',
  on: 'on {devices}',
  away: '{name} (offline)',
  openWhenOnline: 'It can be opened here when one of them is online.',
  opensAll: 'Open all my projects on this device',
  openHere: 'Open here',
  openHereNamed: 'Open here: {name}',
  opening: 'Getting its documents…',
} as const;

const fr: Readonly<Record<keyof typeof en, string>> = {
  readingDevices: 'Lecture de vos appareils…',
  thisDevice: 'Cet appareil',
  online: 'En ligne',
  onlineBy: 'En ligne · {way}',
  onlineByIn: 'En ligne · {way}, {ms} ms',
  direct: 'direct',
  relayed: 'par relais',
  relayedBy: 'par le relais {name}',
  connecting: 'Connexion en cours depuis {time}',
  offline: 'Hors ligne depuis {time}',
  onDay: '{day}, {time}',
  runs: 'Exécute {languages}',
  runsNothing: 'N’exécute rien pour vos autres appareils',
  gpu: 'GPU',
  gpuMemory: '{model} {gb} Go',
  plainAgent: 'Agent simple : prend les exécutions de ce nuage',
  remove: 'Retirer…',
  removeNamed: 'Retirer {name}…',
  removeTitle: 'Retirer {name} ?',
  removeText:
    '{name} est coupé de vos autres appareils et de leurs projets, partout. Les fichiers qu’il a y restent. Pour revenir, il devra être ajouté de nouveau.',
  removeIt: 'Retirer',
  doubts: 'Quelque chose ne va pas avec votre cloud',
  settleDoubts: 'Je m’en suis occupé',
  alone:
    'C’est votre seul appareil pour l’instant. Ajoutez-en un autre pour y avoir vos projets et y exécuter des cellules.',
  addDevice: 'Ajouter un appareil',
  joinDevice: 'Rejoindre un autre appareil',
  back: 'Retour',
  done: 'Terminé',

  makingCode: 'Création d’un code…',
  typeCode:
    'Sur le nouvel appareil : Appareils, « Rejoindre un autre appareil », et ce code. Ou dans un terminal : markco pair {code}',
  code: 'Code',
  orLink: 'S’il n’est pas sur ce réseau, ou si le code n’est pas trouvé, donnez-lui ce lien :',
  link: 'Lien',
  copy: 'Copier',
  copied: 'Copié',
  qrCode: 'Code QR du lien',
  codeEndsIn: 'Valable encore {time}, pour un appareil.',
  codeOver: 'Ce code n’est plus valable. Créez-en un nouveau.',
  newCode: 'Nouveau code',
  cancelCode: 'Annuler ce code',
  asks: '{device} demande à être ajouté',
  sameWords: 'Son écran affiche-t-il la même chose ?',
  addIt: 'L’ajouter',
  dont: 'Ne pas l’ajouter',
  addsIt:
    'Une fois ajouté, il aura vos projets, pourra exécuter du code sur vos appareils, et en ajouter ou en retirer.',
  addsServer:
    'C’est un serveur : une fois ajouté, il aura vos projets et exécutera ce que vos appareils demandent. Il ne lance rien sur eux, n’en ajoute ni n’en retire.',
  addsBrowser:
    'C’est un navigateur : une fois ajouté, il pourra modifier vos projets et exécuter du code sur vos appareils. Il n’en ajoute ni n’en retire.',
  ifNotSame: 'Si ses mots sont différents, ne l’ajoutez pas : quelqu’un s’est peut-être mis entre les deux.',
  added: '{name} fait maintenant partie de vos appareils.',
  theDevice: 'L’appareil',

  joinText:
    'Sur l’un de vos appareils, choisissez « Ajouter un appareil ». Tapez les 8 chiffres qu’il affiche, ou collez son lien.',
  codeOrLink: 'Code ou lien',
  join: 'Rejoindre',
  findingDevice: 'Recherche de l’autre appareil…',
  compareThere: 'L’autre appareil doit afficher la même chose. Acceptez là-bas.',
  joined: 'Cet appareil fait maintenant partie des vôtres.',

  addBrowser: 'Ajouter ce navigateur à vos appareils',
  addBrowserAgain: 'Ajouter de nouveau ce navigateur',
  browserAlone:
    'Ce nuage n’exécute pas de code. Dès que ce navigateur fait partie de vos appareils, il exécute les cellules sur les autres, avec une clé que le nuage n’a pas.',
  cloudIsMirror: 'Le nuage n’est qu’une copie : rien de ce qui y est écrit ne vient ici (SYNC_MODE=mirror).',
  cloudIsOff: 'Le nuage est laissé de côté : vos documents restent sur vos appareils (SYNC_MODE=legacy).',
  browserIs:
    'Les cellules s’exécutent sur vos appareils en ligne. Pour retirer ce navigateur, utilisez l’une de vos machines.',
  browserJoinText:
    'Sur l’une de vos machines, tapez : markco pair. Ou choisissez-y « Ajouter un appareil ». Tapez ensuite ici les 8 chiffres qu’elle affiche.',
  browserJoined:
    'Ce navigateur fait maintenant partie de vos appareils. Les cellules de cette page s’exécutent sur les autres.',

  elsewhere: 'Projets de vos autres appareils',
  on: 'sur {devices}',
  away: '{name} (hors ligne)',
  openWhenOnline: 'Il pourra être ouvert ici quand l’un d’eux sera en ligne.',
  opensAll: 'Ouvrir tous mes projets sur cet appareil',
  openHere: 'Ouvrir ici',
  openHereNamed: 'Ouvrir ici : {name}',
  opening: 'Réception de ses documents…',
};

export const deviceMessages = { en, fr } as const;
const words = lookup(deviceMessages);

export function d(key: keyof typeof en, params?: Params): string {
  return words(key, params);
}
