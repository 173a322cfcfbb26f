/**
 * Every cap of the protocol on one page, the unit last in the name.
 * Beside each: why this much, and what happens at it.
 */
export const LIMITS = {
  /** One Yjs update or answer in a frame. Above it the frame is refused and the connection told why. */
  updateBytesMax: 1024 * 1024,
  /** One WebSocket message: an update that arrives whole (a large paste, a first sync) and its envelope. Larger closes with 1009. */
  messageBytesMax: 16 * 1024 * 1024 + 64 * 1024,
  /** An update that a client may send in one piece when it brings its copy. Above it: refused with `too_large`. */
  bulkUpdateBytesMax: 16 * 1024 * 1024,
  /** The whole state of a document. Above it further edits are refused with `too_large`; nothing is dropped. */
  documentStateBytesMax: 64 * 1024 * 1024,
  /** The text of a document that is imported from a file. A larger file is left alone and listed as such. */
  documentTextBytesMax: 10 * 1024 * 1024,
  /** One client's awareness state. Above it the state is dropped, the connection stays. */
  awarenessBytesMax: 8 * 1024,
  /** Awareness frames a second a connection; further ones are dropped until the second is over. */
  awarenessFramesPerSecondMax: 30,
  /** Awareness clients a document. Further ones are not announced. */
  awarenessClientsMax: 500,
  /** Documents one socket may have open. Further ones are refused with `too_many`. */
  channelsPerSocketMax: 20_000,
  /** Bytes waiting in a socket before its documents are cut back to a resync: a slow reader slows nobody. */
  socketBacklogBytesMax: 8 * 1024 * 1024,
  /** Pages of one browser that is a device, connected to a device at once. In a further one the browser says so. */
  pagesMax: 8,
  /** Open sockets on one device. Further ones are refused with 503. */
  socketsMax: 1_000,
  /** Documents of one project. Further files are left alone, and the log says so. */
  documentsPerProjectMax: 100_000,
  /** A document's path inside its project, in UTF-8 bytes (each part at most 255). */
  pathBytesMax: 1_024,
  pathPartBytesMax: 255,
  /** A JSON body or text frame. Above it: 413. */
  jsonBytesMax: 2 * 1024 * 1024,
  /** The code of one run. */
  codeBytesMax: 1024 * 1024,
  /** One run event. Longer text is cut into several. */
  eventBytesMax: 1024 * 1024,
  /** What an interpreter answers to one question (completion, variables…). */
  answerBytesMax: 1024 * 1024,
  /** Questions to one session that wait for an answer. Further ones are refused with `too_many`. */
  questionsMax: 32,
  /** How long a question waits for its answer. */
  questionTimeoutMs: 5_000,
  /** All output of a run on disk. At it one event says so, the program goes on, what it prints is no longer kept. */
  runOutputBytesMax: 64 * 1024 * 1024,
  /** Runs whose events stay on disk, the newest ones; of older ones what is in their cell and its assets stays. */
  runsKeptMax: 5_000,
  /** All events of runs on disk. Past it those of the oldest go. */
  runsKeptBytesMax: 2 * 1024 * 1024 * 1024,
  /** Sessions of one device, running or not. Further ones are refused with `too_many`. */
  sessionsMax: 200,
  /** Runs waiting in one device's queue. Further ones are refused with `too_many`. */
  queuedRunsMax: 100,
  /** The folded output in an `output` fence; the rest becomes an asset with a link. */
  outputFenceBytesMax: 64 * 1024,
  /** A pasted or dropped file that becomes an asset. */
  assetBytesMax: 64 * 1024 * 1024,
  /** A file of a project that a cloud keeps a copy of. A larger one stays on the devices. */
  copyBytesMax: 8 * 1024 * 1024,
  /** Files of one project that a cloud keeps copies of. At it those go first that were not named for longest. */
  copiesMax: 5_000,
  /** How long a run waits until its document and its files are as new as its submitter's. Then it fails with `barrier_timeout`. */
  barrierTimeoutMs: 10_000,
  /** `stdout` and `stderr`, each, in one answer of `/mrp/v1/execute`. The rest is left out with a sentence; the events keep it. */
  mrpTextCharsMax: 4 * 1024 * 1024,
  /** Displays in one such answer, as JSON. Further ones are left out, and `stderr` says so. */
  mrpDisplayCharsMax: 16 * 1024 * 1024,
  /** `accumulated` of a stream that asked for it: the end of what was printed so far. */
  mrpAccumulatedCharsMax: 1024 * 1024,
  /** An `execId` that is no UUID is remembered for so many runs; of older ones it means nothing any more. */
  mrpExecIdsMax: 1_000,
  /** Files one run is said to have saved. */
  mrpAssetsMax: 100,
  /** Runs that are looked through for a session's history. */
  mrpHistoryRunsMax: 10_000,
  /** How often a stream with nothing to say says that it is still there. */
  mrpHeartbeatMs: 15_000,
  /** Answers of a list route. */
  listItemsMax: 1_000,
  /** Search results of one query. */
  searchHitsMax: 500,
  /** Entries of a user's log. Further ones are refused with `too_many`. */
  logEntriesMax: 10_000,
  /** The last of them are kept for the root key: no device can fill the log so that it cannot be revoked. */
  logEntriesForRoot: 1_000,
  /** One entry, its signature included. Above it the entry is refused. */
  entryBytesMax: 4 * 1024,
  /** Heads that one entry names; more fit into no entry, and only who wants many makes so many. */
  entryDepsMax: 32,
  /** Devices of one user. Further ones are refused with `too_many`. */
  devicesMax: 200,
  /** A certificate, or a grant to run, its signature included. Above it: refused. */
  certificateBytesMax: 1024,
  runGrantBytesMax: 2 * 1024,
  /** The first message of a peer, before anything is known of it. Above it the peer is refused. */
  helloBytesMax: 16 * 1024,
  /** One message of a pairing. A log that is longer goes in several. */
  pairingBytesMax: 64 * 1024,
  /** Names and titles people type. */
  nameCharsMax: 200,
} as const;
