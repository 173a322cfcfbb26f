/**
 * Lets a ready-made service of libp2p hear of streams only from whom this device admits: such services answer whoever
 * asks. Nothing of a stream is read before.
 */
import type { Connection, Stream } from '@libp2p/interface';

/** Whether a stream may go on; may set bounds on it. */
export type Guard = (stream: Stream, connection: Connection, protocol: string) => boolean;

type Handle = (
  protocol: string,
  handler: (stream: Stream, connection: Connection) => unknown,
  options?: object,
) => unknown;

/** The same parts, whose registrar asks the guard before a handler. (Its own middleware is run once more for each stream.) */
export function guarded<T extends object>(components: T, guard: Guard): T {
  return standIn(components, 'registrar', (registrar: object) =>
    standIn(registrar, 'handle', (handle: Handle) => {
      const asking: Handle = (protocol, handler, options) =>
        handle.call(
          registrar,
          protocol,
          (stream, connection) => {
            if (guard(stream, connection, protocol)) return handler(stream, connection);
            stream.abort(new Error('refused'));
          },
          options,
        );
      return asking;
    }),
  );
}

/** An object that is as the other one but for one member. */
export function standIn<T extends object, M>(object: T, member: string, change: (was: M) => unknown): T {
  return new Proxy(object, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key === member) return change(value as M);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
