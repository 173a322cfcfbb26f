/**
 * The identity of a user's devices: keys, the log of who they are, certificates, and what two of them say before they
 * trust each other. Pure: keys, clock, randomness and bytes come in as arguments. It has an entry of its own, because
 * its arithmetic takes longer to load than all else of the protocol and most programs never need it.
 */
export * from './caps.ts';
export * from './certificate.ts';
export * from './check-words.ts';
export type { Author, EntryBody, EntryId } from './entry.ts';
export * from './grant.ts';
export * from './hello.ts';
export { rootHashOf, signerOf, type Signer, type SignLater, type Verify } from './keys.ts';
export type { LogRoot, Member, Membership, Revoked } from './membership.ts';
export * from './pairing-enroller.ts';
export * from './pairing-joiner.ts';
export type { NewDevice, PairingWay } from './pairing-message.ts';
export * from './pairing-offer.ts';
export * from './recovery.ts';
export * from './user-log.ts';
export * from './waiting-grant.ts';
