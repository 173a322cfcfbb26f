/** `npm run graph`: who imports whom, as a table of rooms with the number of imports. */
import { importsOf, readSources, roomImported, roomOf } from './sources.ts';

const counts = new Map<string, Map<string, number>>();
for (const file of readSources(process.cwd())) {
  for (const found of importsOf(file)) {
    const from = roomOf(found.path);
    const to = roomImported(found);
    if (to === null || to === from) continue;
    const row = counts.get(from) ?? new Map<string, number>();
    counts.set(from, row.set(to, (row.get(to) ?? 0) + 1));
  }
}

const rooms = [...new Set([...counts.keys(), ...[...counts.values()].flatMap((row) => [...row.keys()])])].toSorted();
const width = Math.max(...rooms.map((room) => room.length));
process.stdout.write(`${'imports →'.padEnd(width)}  ${rooms.join('  ')}\n`);
for (const from of rooms) {
  const cells = rooms.map((to) => String(counts.get(from)?.get(to) ?? '·').padStart(to.length));
  process.stdout.write(`${from.padEnd(width)}  ${cells.join('  ')}\n`);
}
