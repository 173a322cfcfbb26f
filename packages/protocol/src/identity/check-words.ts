/**
 * What both screens show so that people can see that they mean each other: two words and six symbols that follow
 * from the agreed key. The words are short, common, and unlike each other to the ear.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

export type CheckSigns = {
  /** `maple otter` */
  readonly words: string;
  /** Six of 32 digits and letters, without those that look alike. */
  readonly symbols: string;
};

export function checkSignsOf(key: Uint8Array): CheckSigns {
  const bytes = hkdf(sha512, key, undefined, utf8ToBytes('markco/pair/check/v1'), 8);
  const [first = 0, second = 0, ...rest] = bytes;
  return {
    words: `${CHECK_WORDS[first] ?? ''} ${CHECK_WORDS[second] ?? ''}`,
    symbols: rest.map((byte) => SYMBOLS[byte % 32] ?? '').join(''),
  };
}

const SYMBOLS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export const CHECK_WORDS: readonly string[] = `
acorn album almond anchor apple apron arrow autumn avocado badge bagel bakery balcony bamboo banana banjo
barn basket beach beaver bell bicycle biscuit blanket blossom bonfire bottle branch bread bridge broom bubble
bucket butter button cabin cactus camel camera candle canoe canvas carpet carrot castle cedar cello cherry
chess chimney cinema circus clover coconut comet compass copper coral cotton cradle crayon cricket crystal curtain
daisy desert diamond dolphin donkey door dragon drum eagle echo elbow elephant emerald engine falcon feather
fern fiddle finger flamingo flute forest fossil fountain fox galaxy garden garlic gecko ginger giraffe glacier
glove goose grape guitar hammer harbor hazel helmet heron hill honey horizon hotel iceberg igloo insect
island ivory jacket jaguar jasmine jelly jigsaw jungle kangaroo kayak kettle kitchen kite kiwi koala ladder
lagoon lantern lemon library lily lizard lobster lotus magnet mango maple marble meadow melon mirror monkey
moon mosaic mountain muffin museum mustard napkin nectar needle nest noodle nutmeg oasis ocean olive onion
opera orange orchid otter oyster paddle palace panda papaya parrot peacock peanut pebble pencil penguin pepper
piano pickle pigeon pillow pine planet plum pocket pond poppy potato pottery puzzle pyramid quartz rabbit
radio raft rainbow raven ribbon river robin rocket rose ruby saddle saffron salmon sandal saturn scarf
shadow shell ship silver skate snow sofa spider spoon squirrel stone sugar summer sunset swan table
tango teapot temple tennis thunder ticket tiger toast tomato tractor trumpet tulip tunnel turtle umbrella valley
vanilla velvet village violin volcano waffle walnut whale willow window winter wizard wolf yogurt zebra zipper
`
  .trim()
  .split(/\s+/);
