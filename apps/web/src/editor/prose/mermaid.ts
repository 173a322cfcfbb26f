/**
 * Diagrams drawn by mermaid, loaded on first use. The drawing is shown as a picture: whatever a hostile
 * source makes mermaid write, an `<img>` runs no script and loads nothing.
 */
import mermaid from 'mermaid';

let drawn = 0;

/** Rejects with mermaid's own words when the source is wrong. */
export async function renderDiagram(element: HTMLElement, source: string): Promise<void> {
  const dark = getComputedStyle(element).colorScheme.includes('dark') && matchesDark(element);
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: 'strict',
    theme: dark ? 'dark' : 'neutral',
    htmlLabels: false,
    flowchart: { htmlLabels: false },
    maxTextSize: 50_000,
    suppressErrorRendering: true,
    fontFamily: 'system-ui, sans-serif',
  });
  drawn += 1;
  const { svg } = await mermaid.render(`mc-diagram-${drawn}`, source);
  const image = element.ownerDocument.createElement('img');
  image.alt = source.slice(0, 500);
  const width = /viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"/.exec(svg);
  if (width !== null) image.style.width = `${Math.ceil(Number(width[1]))}px`;
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  element.replaceChildren(image);
}

function matchesDark(element: HTMLElement): boolean {
  const theme = element.ownerDocument.documentElement.dataset['theme'];
  if (theme === 'dark' || theme === 'light') return theme === 'dark';
  return matchMedia('(prefers-color-scheme: dark)').matches;
}
