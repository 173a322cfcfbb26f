/** The log as the parts of a device see it: a dotted event and flat fields, one JSON line each. */
import pino from 'pino';

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export type Logger = {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields, cause?: unknown): void;
  error(event: string, fields?: LogFields, cause?: unknown): void;
};

/** Never a token: whatever looks like one in a text is cut out before it is written. */
const SECRET = /(token=|Bearer\s+|session_token=)[^\s"&;]+/g;

export function createLogger(level: string, base: LogFields, destination: { write(line: string): void }): Logger {
  const out = pino(
    {
      level,
      base: { ...base },
      messageKey: 'event',
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    { write: (line: string) => destination.write(line.replace(SECRET, '$1…')) },
  );
  return {
    info: (event, fields = {}) => out.info(fields, event),
    warn: (event, fields = {}, cause) => out.warn({ ...fields, ...describe(cause) }, event),
    error: (event, fields = {}, cause) => out.error({ ...fields, ...describe(cause) }, event),
  };
}

function describe(cause: unknown): { reason?: string; stack?: string } {
  if (cause === undefined) return {};
  if (!(cause instanceof Error)) return { reason: String(cause) };
  const inner = cause.cause instanceof Error ? `: ${cause.cause.message}` : '';
  return { reason: `${cause.message}${inner}`, ...(cause.stack === undefined ? {} : { stack: cause.stack }) };
}

/** For parts whose fields are named and shaped as their own data is. */
export function flatLog(log: Pick<Logger, 'info' | 'warn'>) {
  type Fields = Readonly<Record<string, unknown>>;
  return {
    info: (event: string, fields: Fields): void => log.info(event, flat(fields)),
    warn: (event: string, fields: Fields): void => log.warn(event, flat(fields)),
  };
}

/** Fields named as the log names them, each a plain value. */
function flat(fields: Readonly<Record<string, unknown>>): LogFields {
  const names: Readonly<Record<string, string>> = { runId: 'run_id', sessionId: 'session_id', projectId: 'project_id' };
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      names[key] ?? key,
      typeof value === 'number' || typeof value === 'boolean' ? value : String(value),
    ]),
  );
}
