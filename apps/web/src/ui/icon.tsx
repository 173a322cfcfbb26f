/** The page's own line icons: 16 units wide, one stroke, in the color of the text around them. Always beside words or a label. */
const paths = {
  close: 'M4 4l8 8M12 4l-8 8',
  chevron: 'M6 4l4 4-4 4',
  down: 'M4 6l4 4 4-4',
  file: 'M4 2h5l3 3v9H4zM9 2v3h3',
  'file-new': 'M4 2h5l3 3v9H4zM8 7v4M6 9h4',
  folder: 'M2 4h4l1.5 1.5H14V13H2z',
  'folder-new': 'M2 4h4l1.5 1.5H14V13H2zM8 7.5v3M6.5 9h3',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5L14 14',
  sidebar: 'M2 3h12v10H2zM6 3v10',
  outline: 'M3 4h10M5 8h8M7 12h6',
  history: 'M2.5 8a5.5 5.5 0 1 1 1.6 3.9M2.5 4.5V8H6M8 5v3l2 1.5',
  variables: 'M5.5 2.5H4.5v4L3 8l1.5 1.5v4h1M10.5 2.5h1v4L13 8l-1.5 1.5v4h-1',
  refresh: 'M13.5 8a5.5 5.5 0 1 1-1.6-3.9M13.5 2.5V6H10',
  run: 'M5 3l8 5-8 5z',
  output: 'M2 3h12v10H2zM4.5 6l2 2-2 2M8.5 10h3',
  stop: 'M4 4h8v8H4z',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  plus: 'M8 3v10M3 8h10',
  share: 'M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5L7.5 13A3 3 0 0 1 3 8.5L4.5 7',
  check: 'M3 8.5l3 3 7-7',
  cross: 'M4 4l8 8M12 4l-8 8',
  clock: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 5v3l2 1.5',
  up: 'M8 13V3M4 7l4-4 4 4',
  offline: 'M2 2l12 12M5.5 8.5a4 4 0 0 1 3-1M3 6a8 8 0 0 1 3-1.6M13 6a8 8 0 0 0-4-2M8 12h.01',
  keyboard: 'M1.5 4h13v8h-13zM4 6.5h.01M6.5 6.5h.01M9 6.5h.01M11.5 6.5h.01M5 9.5h6',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
