/**
 * The one shape of everything that can go wrong.
 *
 * Match on `code`, never on text. `message` is one sentence that says what happened and what to do;
 * it is safe to show. `cause` stays on the machine where it happened and never goes over a wire.
 */
export const FAILURE_STATUS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  /** Whoever is signed in has to show again that it is them: `confirm`, then the same once more. */
  confirm_first: 403,
  not_found: 404,
  document_deleted: 410,
  conflict: 409,
  too_large: 413,
  too_many: 429,
  not_ready: 503,
  disk_full: 507,
  storage_failed: 500,
  runtime_missing: 424,
  barrier_timeout: 504,
  unsupported: 501,
  internal: 500,
} as const;

export type FailureCode = keyof typeof FAILURE_STATUS;

/** What travels: the body of every error answer. */
export type FailureBody = { readonly error: { readonly code: FailureCode; readonly message: string } };

export class Failure extends Error {
  readonly code: FailureCode;
  /** Whether the same request may succeed later with nothing changed. */
  readonly retryable: boolean;

  constructor(code: FailureCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.retryable = options.retryable ?? (code === 'not_ready' || code === 'too_many');
  }

  get status(): number {
    return FAILURE_STATUS[this.code];
  }

  toBody(): FailureBody {
    return { error: { code: this.code, message: this.message } };
  }

  /** Anything caught, as a Failure: what is none already becomes `internal`, with its text kept as the cause. */
  static from(error: unknown): Failure {
    if (error instanceof Failure) return error;
    return new Failure('internal', 'Something went wrong inside MarkCo. The log of this device has the details.', {
      cause: error,
    });
  }
}
