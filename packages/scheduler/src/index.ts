/**
 * Where a run goes: a snapshot of the mesh in, a ranked list with its reasons out. Pure: it knows no clock,
 * no socket and no document; whoever calls it decides how fresh its snapshot is.
 */
export * from './explain.ts';
export * from './place.ts';
export * from './queue.ts';
export * from './rank.ts';
export * from './refuse.ts';
export * from './snapshot.ts';
export * from './wish.ts';
