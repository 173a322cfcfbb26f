/**
 * A traceback as groups: what is of the person's own code, and runs of frames that are of libraries, which are folded.
 * Works on Python's form and on JavaScript's; what it does not know it leaves as the person's.
 */
export type TracebackPart = { readonly library: boolean; readonly frames: number; readonly lines: readonly string[] };

const COLORS = /\x1b\[[0-9;:]*m/g;
const FRAME = /^\s*(?:File ".*", line \d+|at .+:\d+:\d+\)?$)/;
const LIBRARY =
  /[\\/](?:site-packages|dist-packages|lib[\\/]python[\d.]+|node_modules)[\\/]|<frozen |\bnode:internal|^\s*at node:/;
/** A line that belongs to the frame above it. */
const INSIDE = /^\s{4,}\S|^\s*$/;

export function foldTraceback(traceback: readonly string[]): TracebackPart[] {
  const parts: { library: boolean; frames: number; lines: string[] }[] = [];
  let library = false;
  for (const line of traceback.join('\n').replace(/\n+$/, '').split('\n')) {
    const plain = line.replace(COLORS, '');
    const isFrame = FRAME.test(plain);
    if (isFrame) library = LIBRARY.test(plain);
    else if (!INSIDE.test(plain)) library = false;
    let last = parts[parts.length - 1];
    if (last === undefined || last.library !== library) parts.push((last = { library, frames: 0, lines: [] }));
    if (isFrame) last.frames += 1;
    last.lines.push(line);
  }
  return parts;
}
