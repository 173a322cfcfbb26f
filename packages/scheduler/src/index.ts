/**
 * Where a run goes: a snapshot of the mesh in, a ranked list with its reasons out (`place`), to be kept and read
 * (`recordOf`, `explain`); what it waits for there (`stepQueue`); and how it is started there at most once (`stepRun`).
 * Pure: it knows no clock, no socket and no document;
 * whoever calls it says how fresh its snapshot is. `simulate/` drives it through whole meshes on virtual time.
 */
export * from './explain.ts';
export * from './gpu-hint.ts';
export * from './place.ts';
export * from './queue.ts';
export * from './rank.ts';
export * from './refuse.ts';
export * from './snapshot.ts';
export * from './start/coordinator.ts';
export * from './start/start-protocol.ts';
export * from './wish.ts';
