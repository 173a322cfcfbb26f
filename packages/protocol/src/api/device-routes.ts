/** The part of the route table that is about the user's other devices. */
import * as z from 'zod/mini';
import { AttachmentStateSchema } from '../entity/attachment.ts';
import { NodeCapabilitySchema } from '../entity/capability.ts';
import { DeviceSchema } from '../entity/device.ts';
import { ProjectSchema } from '../entity/project.ts';
import { CountSchema, TimeSchema } from '../entity/scalar.ts';
import { DeviceIdSchema } from '../id.ts';
import { LIMITS } from '../limits.ts';

/** How this device reaches another one of the user, and how well. */
const PeerPathSchema = z.strictObject({
  address: z.string(),
  relayed: z.boolean(),
  /** The device that passes on what the two say, by its name where it is known. */
  relayedBy: z.optional(z.string()),
  /** The other device is on a network that this machine is on too, or on this machine. */
  sameNetwork: z.boolean(),
  /** Milliseconds of the last round trip that was measured. */
  roundTripMs: z.optional(z.number()),
});

/** A device of the user as this one knows it. */
export const DeviceHereSchema = z.extend(DeviceSchema, {
  capability: NodeCapabilitySchema,
  /** A program that takes runs from this cloud, and is none of the devices that trust each other. */
  plainAgent: z.optional(z.literal(true)),
  /** Absent for this device itself. */
  connection: z.optional(
    z.strictObject({
      state: z.enum(['connected', 'connecting', 'offline']),
      /** Since when it is connected, or is not. */
      since: TimeSchema,
      /** Why it is not connected. */
      why: z.optional(z.string()),
      paths: z.array(PeerPathSchema),
    }),
  ),
});
export type DeviceHere = z.infer<typeof DeviceHereSchema>;

/** Whether another device answered just now, and by which way. */
const ReachSchema = z.discriminatedUnion('answered', [
  z.strictObject({ answered: z.literal(true), roundTripMs: z.number(), path: PeerPathSchema }),
  z.strictObject({
    answered: z.literal(false),
    since: TimeSchema,
    why: z.string(),
    /** One thing that a person can do about it. */
    fix: z.string(),
  }),
]);
export type Reach = z.infer<typeof ReachSchema>;

/** One address that was tried just now. */
const TrySchema = z.strictObject({
  address: z.string(),
  how: z.enum(['tcp', 'websocket', 'webrtc', 'relayed']),
  /** The device that would pass on what the two say, by its name where it is known. */
  relayedBy: z.optional(z.string()),
  /** Until it answered, or until it was given up. */
  ms: z.number(),
  answered: z.boolean(),
  /** Why it did not answer. */
  why: z.optional(z.string()),
  /** A connection by this address is open. */
  inUse: z.boolean(),
});
export const TraceSchema = z.strictObject({ reach: ReachSchema, tries: z.array(TrySchema) });
export type Trace = z.infer<typeof TraceSchema>;

/** `usable`: this machine has such an address that others can see. `listening`: they reach MarkCo at it. */
const FamilySchema = z.strictObject({ usable: z.boolean(), listening: z.boolean() });

export const NetcheckSchema = z.strictObject({
  /** Where other devices reach this one. None while it is alone: it is not on the network then. */
  addresses: z.array(z.string()),
  neighbors: z.strictObject({ lookedFor: z.boolean(), answered: CountSchema }),
  ipv4: FamilySchema,
  ipv6: FamilySchema,
  /** What devices in other networks found when they called this one at the address that they see it by. */
  outside: z.optional(
    z.array(
      z.strictObject({
        deviceId: DeviceIdSchema,
        name: z.string(),
        address: z.string(),
        answered: z.boolean(),
        /** Why it did not answer. */
        why: z.optional(z.string()),
      }),
    ),
  ),
  /** Devices that pass on what others say, for those that do not reach each other. */
  relays: z.array(
    z.strictObject({
      deviceId: DeviceIdSchema,
      name: z.string(),
      /** Where it is connected, while it is. */
      address: z.optional(z.string()),
      roundTripMs: z.optional(z.number()),
      /** Others reach this device through it. */
      reserved: z.boolean(),
      /** Why they do not. */
      why: z.optional(z.string()),
    }),
  ),
  devices: z.array(z.strictObject({ deviceId: DeviceIdSchema, name: z.string(), reach: ReachSchema })),
});
export type Netcheck = z.infer<typeof NetcheckSchema>;

const CheckSchema = z.strictObject({ words: z.string(), symbols: z.string() });

/** Adding a device: the code on this device's screen, or the one that was typed here. */
export const PairingSchema = z.strictObject({
  /** This device shows a code. */
  offered: z.optional(
    z.strictObject({
      code: z.string(),
      link: z.string(),
      expiresAt: TimeSchema,
      state: z.enum(['waiting', 'asked', 'added', 'failed']),
      /** Who asks to be added. */
      device: z.optional(z.strictObject({ name: z.string(), kind: z.string(), os: z.string() })),
      /** What both screens show. */
      check: z.optional(CheckSchema),
      why: z.optional(z.string()),
    }),
  ),
  /** A code was typed here. */
  joining: z.optional(
    z.strictObject({
      state: z.enum(['waiting', 'agreed', 'joined', 'failed']),
      check: z.optional(CheckSchema),
      why: z.optional(z.string()),
    }),
  ),
});
export type PairingHere = z.infer<typeof PairingSchema>;

export const DEVICE_ROUTES = {
  devices: {
    method: 'GET',
    path: '/api/devices',
    status: 200,
    answer: z.object({ devices: z.array(DeviceHereSchema) }),
  },
  /** It is no device of the user from now on, everywhere; it cannot come back but as a new one. */
  removeDevice: {
    method: 'DELETE',
    path: '/api/devices/:id',
    query: z.strictObject({ reason: z.optional(z.string().check(z.maxLength(LIMITS.nameCharsMax))) }),
    status: 204,
  },
  /** One round trip; a device that is not connected is tried first. Answered within 5 seconds. */
  pingDevice: { method: 'POST', path: '/api/devices/:id/ping', status: 200, answer: ReachSchema },
  /** Tries every address that is known of it, each by itself. Answered within 5 seconds. */
  traceDevice: { method: 'POST', path: '/api/devices/:id/trace', status: 200, answer: TraceSchema },
  /** Answered within 5 seconds. */
  netcheck: { method: 'GET', path: '/api/netcheck', status: 200, answer: NetcheckSchema },
  /** The words of the user's root key, for paper; only for who sends the token itself. */
  recoveryPhrase: {
    method: 'GET',
    path: '/api/recovery-phrase',
    status: 200,
    answer: z.strictObject({ words: z.array(z.string()).check(z.length(24)) }),
  },
  pairing: { method: 'GET', path: '/api/pairing', status: 200, answer: PairingSchema },
  /** A new code; an earlier one is good for nothing then. */
  offerPairing: { method: 'POST', path: '/api/pairing', status: 201, answer: PairingSchema },
  approvePairing: { method: 'POST', path: '/api/pairing/approve', status: 200, answer: PairingSchema },
  declinePairing: { method: 'DELETE', path: '/api/pairing', status: 204 },
  /** Answered at once; `GET /api/pairing` says how it goes. */
  joinPairing: {
    method: 'POST',
    path: '/api/pairing/join',
    body: z.strictObject({
      /** The 8 digits, or the link. */
      code: z.string().check(z.minLength(1), z.maxLength(2_000)),
      /** Where the other device is, when it is not on this network. */
      addresses: z.optional(z.array(z.string().check(z.maxLength(300))).check(z.maxLength(8))),
    }),
    status: 202,
    answer: PairingSchema,
  },
  /** Projects that other devices of the user have open, those of devices that are away too. */
  projectsElsewhere: {
    method: 'GET',
    path: '/api/projects-elsewhere',
    status: 200,
    answer: z.object({
      projects: z.array(
        z.strictObject({
          project: ProjectSchema,
          devices: z.array(DeviceIdSchema),
          /** The same devices, with what they are called, what state the project is in there, and whether they are connected to this one. */
          on: z.array(
            z.strictObject({
              deviceId: DeviceIdSchema,
              name: z.string(),
              state: AttachmentStateSchema,
              connected: z.boolean(),
            }),
          ),
        }),
      ),
    }),
  },
  /** Opens such a project here too, in a folder of its own: one that is empty or not there yet. `not_ready` while no device that has it is connected. */
  attachProject: {
    method: 'POST',
    path: '/api/projects-elsewhere/:id/attach',
    body: z.strictObject({ localPath: z.optional(z.string().check(z.minLength(1), z.maxLength(4_096))) }),
    status: 201,
    answer: z.extend(ProjectSchema, { localRootPath: z.optional(z.string()) }),
  },
} as const;
