/**
 * Whether a picture needs white paper under it in the dark: it has dark ink on nothing, as plots have. One with a ground
 * of its own, or with bright ink only, needs none, and a white box around it would glare.
 */
const SIDE_PX = 64;
/** Relative luminance (0 to 1) below which ink is hard to see on the dark page. */
const DARK = 0.12;
/** Of the ink; less is no line that anybody reads. */
const DARK_SHARE = 0.02;
/** Of the picture; a picture as opaque as this has a ground of its own. */
const GROUND_SHARE = 0.97;

export function needsPaper(image: HTMLImageElement): boolean {
  try {
    const canvas = image.ownerDocument.createElement('canvas');
    canvas.width = canvas.height = SIDE_PX;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (context === null) return true;
    context.drawImage(image, 0, 0, SIDE_PX, SIDE_PX);
    return hasDarkInk(context.getImageData(0, 0, SIDE_PX, SIDE_PX).data);
  } catch {
    // What cannot be looked at gets the ground that most pictures are drawn for.
    return true;
  }
}

/** @param pixels four bytes a pixel: red, green, blue, opacity */
export function hasDarkInk(pixels: ArrayLike<number>): boolean {
  let ink = 0;
  let dark = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    const opacity = (pixels[at + 3] ?? 0) / 255;
    ink += opacity;
    const luminance = 0.2126 * linear(pixels[at]) + 0.7152 * linear(pixels[at + 1]) + 0.0722 * linear(pixels[at + 2]);
    if (luminance < DARK) dark += opacity;
  }
  return ink < GROUND_SHARE * (pixels.length / 4) && dark > DARK_SHARE * ink;
}

const linear = (value = 0): number => (value / 255) ** 2.2;
