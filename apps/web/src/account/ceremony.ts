/** The browser's part of a passkey: asks the person, and answers what the cloud checks. */
import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { Failure } from '@markco/protocol';
import { a } from './messages.ts';

type Begun = { readonly ceremonyId: string; readonly options: Record<string, unknown> };
type Answered = { readonly ceremonyId: string; readonly response: Record<string, unknown> };

async function answered(begun: Begun, response: Promise<object>): Promise<Answered> {
  try {
    return { ceremonyId: begun.ceremonyId, response: { ...(await response) } };
  } catch (cause) {
    throw new Failure('bad_request', a('givenUp'), { cause });
  }
}

export const usePasskey = (begun: Begun): Promise<Answered> =>
  answered(begun, startAuthentication({ optionsJSON: begun.options as never }));

export const makePasskey = (begun: Begun): Promise<Answered> =>
  answered(begun, startRegistration({ optionsJSON: begun.options as never }));
