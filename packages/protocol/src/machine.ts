/**
 * A lifecycle two peers agree on, as a table: state → event → next state.
 *
 * The compiler refuses an unknown target, an unknown event and a missing state. `step` is pure;
 * a refusal is a value, because two peers asking for the same step at once is normal.
 */
export type Table<State extends string, Event extends string> = {
  readonly [S in State]: { readonly [E in Event]?: State };
};

export type Step<State extends string> =
  | { readonly ok: true; readonly state: State }
  | { readonly ok: false; readonly state: State; readonly refused: string };

export type Machine<State extends string, Event extends string> = {
  readonly name: string;
  readonly initial: State;
  readonly table: Table<State, Event>;
  readonly states: readonly State[];
  readonly events: readonly Event[];
  /** The next state, or why there is none. */
  step(state: State, event: Event): Step<State>;
  /** Whether no event leads out of this state. */
  isTerminal(state: State): boolean;
};

export function defineMachine<State extends string, Event extends string>(
  name: string,
  initial: State,
  events: readonly Event[],
  table: Table<State, Event>,
): Machine<State, Event> {
  const states = Object.keys(table) as State[];
  return {
    name,
    initial,
    table,
    states,
    events,
    step(state, event) {
      const next = table[state][event];
      return next === undefined
        ? { ok: false, state, refused: `a ${name} that is ${state} cannot take ${event}` }
        : { ok: true, state: next };
    },
    isTerminal: (state) => Object.keys(table[state]).length === 0,
  };
}
