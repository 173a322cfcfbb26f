/** The MRMD Runtime Protocol over HTTP: the sessions and runs of this device, seen as one runtime. */
import { Failure } from '@markco/protocol';
import type { Handlers, SomeHandlers } from '../handlers.ts';

type MrpName = Extract<keyof Handlers, `mrp${string}`>;

export function mrpRoutes(): SomeHandlers<MrpName> {
  const later = (): never => {
    throw new Failure('unsupported', 'This device does not answer this yet.');
  };
  return {
    mrpCapabilities: later,
    mrpSessions: later,
    mrpCreateSession: later,
    mrpSession: later,
    mrpDeleteSession: later,
    mrpResetSession: later,
    mrpExecute: later,
    mrpExecuteStream: later,
    mrpInput: later,
    mrpInterrupt: later,
    mrpComplete: later,
    mrpInspect: later,
    mrpHover: later,
    mrpVariables: later,
    mrpVariable: later,
    mrpIsComplete: later,
    mrpFormat: later,
    mrpHistory: later,
    mrpAsset: later,
  };
}
