/** For tests: what an answer of a device has to look like, by the table of routes. */
import { FAILURE_STATUS, ROUTES, type Route, type RouteName } from '@markco/protocol';
import { expect } from 'vitest';
import type { Answer } from './device.fixture.ts';

/** Checks an answer against the route's own schema: nothing more, nothing less, nothing else. */
export function conforms(name: RouteName, answer: Answer, status?: number): void {
  const route: Route = ROUTES[name];
  expect([name, answer.status, answer.status === (status ?? route.status) ? '' : answer.text]).toEqual([
    name,
    status ?? route.status,
    '',
  ]);
  if (route.answer === undefined) return;
  const parsed = route.answer.safeParse(answer.json);
  expect([name, parsed.error?.issues]).toEqual([name, undefined]);
}

/** A refusal: its status, its code, and a sentence that says what to do. */
export function isError(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(`"${code}"`)]);
  expect(answer.json).toEqual({ error: { code, message: expect.stringMatching(/^.{10,}[.!?`]$/) } });
  expect(FAILURE_STATUS).toHaveProperty(code, status);
}
