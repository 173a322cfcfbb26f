/** A QR code, dark on light in every theme: many cameras read nothing else. */
import { encode } from 'uqr';
import { d } from './messages.ts';

/** Light modules around the code, which readers need to find it. */
const BORDER = 4;

export function QrCode({ text }: { readonly text: string }) {
  const { data, size } = encode(text, { border: BORDER });
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return (
    <svg
      class="qr-code"
      role="img"
      aria-label={d('qrCode')}
      viewBox={`0 0 ${size} ${size}`}
      shape-rendering="crispEdges"
    >
      <path d={dark.join('')} />
    </svg>
  );
}
