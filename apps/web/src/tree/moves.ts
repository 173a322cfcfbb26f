/**
 * What dragging does, as a list of moves: where each document goes. Pure; `carryOut` elsewhere does them one by one.
 *
 * 1. Order is the number in front of a name (`02-`). Only as many names change as the new order needs.
 * 2. Where names are in the wanted order without numbers, none is given.
 * 3. Hidden names (`_x`) and the project's own page (`mrmd`, `markco`) never get a number.
 * 4. Moving a folder moves every document in it.
 */
import { compareNames, type TreeNode } from '@markco/protocol/notebook/order';

export type Move = { readonly from: string; readonly to: string };
/** `before`: the sibling (its path) it goes in front of; `undefined` is the end, `'anywhere'` is where its name puts it. */
export type Drop = { readonly folder: string; readonly before: string | undefined | 'anywhere' };

const numbered = /^(\d+)[-_. ]\s*(.+)$/;
const unnumberedNames: ReadonlySet<string> = new Set(['mrmd', 'markco']);

export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function bare(name: string): string {
  return numbered.exec(name)?.[2] ?? name;
}

function numberOf(name: string): number | undefined {
  const digits = numbered.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function siblingsIn(nodes: readonly TreeNode[], folder: string): readonly TreeNode[] {
  if (folder === '') return nodes;
  for (const node of nodes) {
    if (node.kind !== 'folder') continue;
    if (node.path === folder) return node.children;
    if (folder.startsWith(`${node.path}/`)) return siblingsIn(node.children, folder);
  }
  return [];
}

function takesNumbers(node: TreeNode): boolean {
  return !node.hidden && !unnumberedNames.has(node.name);
}

/** Every document that a rename of this document or folder moves. */
export function movesOf(
  documents: readonly string[],
  node: { readonly kind: 'folder' | 'document'; readonly path: string },
  to: string,
): readonly Move[] {
  if (to === node.path) return [];
  if (node.kind === 'document') return [{ from: node.path, to }];
  return documents
    .filter((path) => path.startsWith(`${node.path}/`))
    .map((from) => ({ from, to: to + from.slice(node.path.length) }));
}

/** Empty when nothing changes, `undefined` when it cannot be: a folder into itself, or a name that is taken there. */
export function planDrop(
  tree: readonly TreeNode[],
  documents: readonly string[],
  dragged: TreeNode,
  drop: Drop,
): readonly Move[] | undefined {
  if (dragged.kind === 'folder' && (drop.folder === dragged.path || drop.folder.startsWith(`${dragged.path}/`)))
    return undefined;
  const siblings = siblingsIn(tree, drop.folder).filter((node) => node.path !== dragged.path);
  const taken = siblings.some((node) => node.kind === dragged.kind && node.name === dragged.name);
  if (drop.before === 'anywhere' || !takesNumbers(dragged))
    return taken ? undefined : movesOf(documents, dragged, join(drop.folder, dragged.name));

  const order = siblings.filter(takesNumbers);
  const at = drop.before === undefined ? order.length : order.findIndex((node) => node.path === drop.before);
  order.splice(at < 0 ? order.length : at, 0, dragged);
  const names = renumber(
    order.map((node) => node.name),
    order.indexOf(dragged),
  );
  const free = new Set(siblings.filter((node) => !takesNumbers(node)).map((node) => node.name));
  if (new Set(names).size !== names.length || names.some((name) => free.has(name))) return undefined;
  return order.flatMap((node, index) => movesOf(documents, node, join(drop.folder, names[index] ?? node.name)));
}

/** New names that sort in this order, changing as few as possible; `moved` is the one that may not keep its number for free. */
function renumber(names: readonly string[], moved: number): readonly string[] {
  const last = names.findLastIndex((name, index) => index === moved || numberOf(name) !== undefined);
  if (names.every((name, index) => index === moved || numberOf(name) === undefined)) {
    const plain = names.map((name, index) => (index === moved ? bare(name) : name));
    if (plain.every((name, index) => index === 0 || compareNames(plain[index - 1] ?? '', name) <= 0)) return plain;
  }
  const width = Math.max(2, ...names.map((name) => numbered.exec(name)?.[1]?.length ?? 0), String(last + 1).length);
  let previous = 0;
  return names.map((name, index) => {
    if (index > last) return name;
    const current = numberOf(name);
    const next = names
      .slice(index + 1)
      .map(numberOf)
      .find((value) => value !== undefined);
    const fits =
      current !== undefined && current > previous && (index !== moved || next === undefined || current < next);
    if (fits) {
      previous = current;
      return name;
    }
    previous += 1;
    return `${String(previous).padStart(width, '0')}-${bare(name)}`;
  });
}

/** The moves in an order in which no target is ever taken; a circle is broken by a name in between. */
export function orderMoves(moves: readonly Move[], existing: ReadonlySet<string>): readonly Move[] {
  const taken = new Set(existing);
  const waiting = [...moves];
  const ordered: Move[] = [];
  const perform = (move: Move): void => {
    ordered.push(move);
    taken.delete(move.from);
    taken.add(move.to);
  };
  while (waiting.length > 0) {
    const ready = waiting.findIndex((move) => !taken.has(move.to));
    const move = waiting.splice(Math.max(0, ready), 1)[0];
    if (move === undefined) break;
    const inTheWay = waiting.some((other) => other.from === move.to);
    // What stands in the way and stays there is for the device to refuse, with its own words.
    if (ready >= 0 || !inTheWay) {
      perform(move);
      continue;
    }
    const between = `${move.from}-moving`;
    perform({ from: move.from, to: between });
    waiting.push({ from: between, to: move.to });
  }
  return ordered;
}
