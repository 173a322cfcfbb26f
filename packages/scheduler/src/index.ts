/**
 * Where a run goes: a snapshot of the mesh in, a ranked list with its reasons out (`place`), to be kept and read
 * (`recordOf`, `explain`); and what it waits for there (`stepQueue`). Pure: it knows no clock, no socket and no document;
 * whoever calls it says how fresh its snapshot is. `simulate/` drives it through whole meshes on virtual time.
 */
export * from './explain.ts';
export * from './place.ts';
export * from './queue.ts';
export * from './rank.ts';
export * from './refuse.ts';
export * from './snapshot.ts';
export * from './wish.ts';
