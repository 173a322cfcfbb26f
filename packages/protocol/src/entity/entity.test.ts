import { expect, test } from 'vitest';
import type * as z from 'zod/mini';
import { CommandSchema, DomainEventSchema } from '../domain.ts';
import { LIMITS } from '../limits.ts';
import { AssetSchema } from './asset.ts';
import { ProjectAttachmentSchema } from './attachment.ts';
import { NodeCapabilitySchema } from './capability.ts';
import { DeviceSchema } from './device.ts';
import { DocumentSchema } from './document.ts';
import { ProjectSchema } from './project.ts';
import { RunEventSchema } from './run-event.ts';
import { RunSchema } from './run.ts';
import { DEFAULT_SESSION, RuntimeSessionSchema, sessionName } from './session.ts';
import { UserSchema } from './user.ts';

const id = '01a1fd3e-0fdb-735d-93c4-ccf2ddc94f3d';
const at = '2026-11-21T08:34:25.362Z';
const hash = 'a'.repeat(64);
const event = { id, runId: id, seq: 0, createdAt: at };

/** One of each kind, field for field as the domain model names them. */
const samples: readonly (readonly [name: string, schema: z.ZodMiniType, value: object])[] = [
  [
    'User',
    UserSchema,
    { id, email: 'user@localhost', name: 'U', username: 'u', avatarUrl: 'https://a', plan: 'free', createdAt: at },
  ],
  [
    'Device',
    DeviceSchema,
    {
      id,
      userId: id,
      kind: 'desktop',
      name: 'Mac',
      os: 'darwin',
      appVersion: '1',
      mrmdVersion: '1',
      lastSeenAt: at,
      status: 'online',
      createdAt: at,
    },
  ],
  [
    'NodeCapability',
    NodeCapabilitySchema,
    {
      deviceId: id,
      online: true,
      heartbeatAt: at,
      runtimes: [{ language: 'python', version: '3.12', available: true }],
      gpu: { vendor: 'n', model: 'm', vramMb: 1, cuda: true },
      resources: { cpuCores: 2, memoryMb: 1, memoryFreeMb: 1, batteryPct: 50, charging: true, network: 'wifi' },
      policy: { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 2 },
    },
  ],
  [
    'Project',
    ProjectSchema,
    {
      id,
      userId: id,
      slug: 'p',
      displayName: 'P',
      configPath: 'mrmd.md',
      source: 'created',
      syncMode: 'active',
      visibility: 'private',
      createdAt: at,
      updatedAt: at,
    },
  ],
  [
    'ProjectAttachment',
    ProjectAttachmentSchema,
    {
      id,
      projectId: id,
      deviceId: id,
      localRootPath: '/a',
      state: 'attached',
      lastSyncedAt: at,
      localHeadHash: 'a',
      cloudHeadHash: 'b',
    },
  ],
  [
    'Document',
    DocumentSchema,
    {
      id,
      projectId: id,
      path: '01-a',
      ext: '.md',
      title: 'A',
      textSnapshot: 'a',
      contentHash: hash,
      sizeBytes: 1,
      updatedAt: at,
      createdAt: at,
    },
  ],
  [
    'Asset',
    AssetSchema,
    {
      id,
      projectId: id,
      path: '_assets/a.png',
      contentHash: hash,
      mimeType: 'image/png',
      sizeBytes: 1,
      storageKey: 'a',
      createdAt: at,
    },
  ],
  [
    'RuntimeSession',
    RuntimeSessionSchema,
    {
      id,
      userId: id,
      projectId: id,
      language: 'python',
      hostType: 'device',
      hostDeviceId: id,
      hostRuntimeId: '1',
      state: 'running',
      environmentHash: 'e',
      sessionAffinityKey: 'notes:k',
      startedAt: at,
      updatedAt: at,
    },
  ],
  [
    'Run',
    RunSchema,
    {
      id,
      userId: id,
      projectId: id,
      documentId: id,
      cellId: '1-2',
      sessionId: id,
      language: 'python',
      code: '1',
      state: 'failed',
      routedTo: { hostType: 'device', deviceId: id, reason: 'availability' },
      ranOn: 'Mac',
      createdAt: at,
      startedAt: at,
      completedAt: at,
      error: { type: 'E', message: 'm' },
    },
  ],
  ['RunEvent stdout', RunEventSchema, { ...event, type: 'stdout', payload: { text: '\u001b[31m' } }],
  [
    'RunEvent display',
    RunEventSchema,
    { ...event, type: 'display', payload: { data: { 'text/plain': 'a' }, metadata: {} } },
  ],
  [
    'RunEvent stdin-request',
    RunEventSchema,
    { ...event, type: 'stdin-request', payload: { prompt: '?', password: true } },
  ],
  [
    'RunEvent result',
    RunEventSchema,
    { ...event, type: 'result', payload: { data: null, executionCount: 1, durationMs: 0.5 } },
  ],
  [
    'RunEvent error',
    RunEventSchema,
    { ...event, type: 'error', payload: { type: 'E', message: 'm', traceback: ['l'] } },
  ],
  ['Command run.submit', CommandSchema, { type: 'run.submit', sessionId: id, code: '1', documentId: id, cellId: 'a' }],
  ['Command session.migrate', CommandSchema, { type: 'session.migrate', sessionId: id, target: 'cloud' }],
  ['DomainEvent run.failed', DomainEventSchema, { type: 'run.failed', runId: id, message: 'm' }],
];

test.each(samples)('%s: a whole one is taken as it is', (_, schema, value) => {
  expect(schema.parse(value)).toEqual(value);
});

test.each(samples)('%s: a field nobody agreed on is refused', (_, schema, value) => {
  expect(schema.safeParse({ ...value, surprise: 1 }).success).toBe(false);
});

test.each(samples)('%s: no text is without a bound', (_, schema, value) => {
  const tooLong = 'x'.repeat(LIMITS.documentTextBytesMax + 1);
  for (const [key, field] of Object.entries(value)) {
    if (typeof field === 'string') expect(schema.safeParse({ ...value, [key]: tooLong }).success, key).toBe(false);
  }
});

test('events of a run carry the payload of their own type only', () => {
  expect(
    RunEventSchema.safeParse({ ...event, type: 'stdout', payload: { prompt: '?', password: false } }).success,
  ).toBe(false);
});

test('the name of a session is what comes after its project, whatever the name holds', () => {
  for (const [key, name] of [
    ['notes:default', 'default'],
    ['notes:a:b@c', 'a:b@c'],
    ['alone', 'alone'],
  ] as const)
    expect(sessionName({ sessionAffinityKey: key })).toBe(name);
  expect(sessionName({})).toBe(DEFAULT_SESSION);
});
