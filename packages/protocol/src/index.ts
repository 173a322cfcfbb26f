/** What two peers must agree on. Pure: no I/O, no clock, no randomness of its own. */
export * from './domain.ts';
export * from './entity/asset.ts';
export * from './entity/attachment.ts';
export * from './entity/capability.ts';
export * from './entity/device.ts';
export * from './entity/document.ts';
export * from './entity/language.ts';
export * from './entity/project.ts';
export * from './entity/run-event.ts';
export * from './entity/run.ts';
export * from './entity/session.ts';
export * from './entity/user.ts';
export * from './failure.ts';
export * from './id.ts';
export * from './limits.ts';
export * from './machine.ts';
