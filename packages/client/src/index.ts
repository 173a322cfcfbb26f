/**
 * A peer that hosts nothing, in a browser or in Node: opens documents, follows runs, keeps an offline copy.
 *
 *   const client = openClient({ origin: 'http://localhost:7717', token, webSocket: (url) => new WebSocket(url), fetch, now, randomBytes });
 *   const open = client.openDocument({ projectId, documentId });
 *   await open.ready;
 *   open.text.insert(0, 'Hello');
 *   await open.saved(signal);      // on the device's disk
 */
export * from './api.ts';
export * from './client.ts';
export type { Copies, Copy, CopyTrouble, Kept } from './documents/copies.ts';
export { indexedDbCopies } from './documents/indexeddb.ts';
export * from './fact.ts';
export { openClient, type ClientParts } from './open.ts';
export type { Socket } from './socket.ts';
