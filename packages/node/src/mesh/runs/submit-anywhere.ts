/**
 * A run is submitted where it shall run: here, or on another device of the user with a grant that this one signs.
 *
 * 1. A device that is named runs it, or nobody does: what a person chose is not replaced.
 * 2. A host starts what another device asks for only by a grant that is for it, for this code, and not run out; and
 *    only while its owner lets others run there. The same run asked for twice is one run.
 */
import {
  codeOptions,
  Failure,
  newId,
  type Device,
  type DeviceId,
  type IdSource,
  type Run,
  type RunId,
  type RunRequest,
} from '@markco/protocol';
import { codeHashOf, RUN_GRANT_LIFETIME_MS, sealGrant, type RunGrant } from '@markco/protocol/identity';
import type { Client } from '@markco/client';
import { runtimeFor } from '../../runtimes/descriptor.ts';
import type { Peer } from '../peers.ts';
import type { Trust } from '../trust.ts';

export type SubmitAnywhereParts = {
  readonly trust: Trust;
  readonly device: Device;
  readonly ids: IdSource;
  readonly peers: () => readonly Peer[];
  readonly client: (device: DeviceId) => Client;
  readonly submitHere: (request: RunRequest) => Promise<Run>;
  readonly remember: (run: Run, device: DeviceId) => Run;
  /** Which language a session runs. */
  readonly languageOf: (request: RunRequest) => string | undefined;
};

export function createSubmitAnywhere(parts: SubmitAnywhereParts): (request: RunRequest) => Promise<Run> {
  const { trust, device, ids } = parts;

  /** Null for this device. */
  function target(request: RunRequest): Peer | null {
    const language = parts.languageOf(request);
    const row = language === undefined ? undefined : runtimeFor(language);
    const wished = request.runOn ?? (row === undefined ? null : codeOptions(request.code, row.language).on);
    if (wished === null || wished === undefined) return null;
    const name = wished.toLowerCase();
    if (name === device.id || name === device.name.toLowerCase()) return null;
    const found = parts.peers().filter((peer) => peer.deviceId === name || peer.name.toLowerCase() === name);
    const [peer, another] = found;
    if (another !== undefined)
      throw new Failure('conflict', `Two of your devices are called ${wished}. Name it by its id: \`markco devices\`.`);
    if (peer === undefined) {
      const names = [device.name, ...parts.peers().map((each) => each.name)].join(', ');
      throw new Failure('not_found', `No device here is called ${wished}. There are: ${names}.`);
    }
    return peer;
  }

  return async (request) => {
    const peer = target(request);
    if (peer === null) return parts.submitHere(request);
    const { projectId, language } = request;
    if (projectId === undefined || language === undefined)
      throw new Failure('bad_request', 'A run on another device is given `projectId` and `language`.');
    if (peer.state !== 'connected')
      throw new Failure('not_ready', `${peer.name} is not connected. ${peer.why ?? ''}`.trim(), { retryable: true });
    const id = request.id ?? newId<RunId>(ids);
    const grant: RunGrant = {
      submitter: device.id,
      host: peer.deviceId,
      run: id,
      project: projectId,
      session: `${projectId}/${language}`,
      code: codeHashOf(request.code),
      language: (runtimeFor(language)?.language ?? language) as RunGrant['language'],
      expiresAt: ids.now() + RUN_GRANT_LIFETIME_MS,
      nonce: new Uint8Array(ids.randomBytes(16)),
      epoch: trust.members.epoch,
      fence: 1,
    };
    const sealed = Buffer.from(sealGrant(grant, trust.signer)).toString('base64');
    const run = await parts
      .client(peer.deviceId)
      .submitRun({ ...request, id, runOn: peer.deviceId, grant: sealed }, AbortSignal.timeout(SUBMIT_MS));
    return parts.remember(run, peer.deviceId);
  };
}

const SUBMIT_MS = 60_000;
