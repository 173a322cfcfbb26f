import { expect, test } from 'vitest';
import { createLogger } from './log.ts';

function logger(level = 'info') {
  const lines: string[] = [];
  return {
    lines,
    log: createLogger(level, { user_id: 'u', device_id: 'd' }, { write: (line) => void lines.push(line) }),
  };
}

test('a line is one JSON object with its event, its fields and why', () => {
  const { lines, log } = logger();
  log.info('run.routed', { run_id: 'r', project_id: undefined });
  log.error('http.failed', { route: 'GET /x' }, new Error('it broke\nin two lines', { cause: new Error('the disk') }));
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(first).toMatchObject({ event: 'run.routed', level: 'info', user_id: 'u', device_id: 'd', run_id: 'r' });
  expect(second).toMatchObject({
    event: 'http.failed',
    level: 'error',
    reason: 'it broke\nin two lines: the disk',
    stack: expect.any(String),
  });
  expect(lines.every((line) => line.trim().split('\n').length === 1)).toBe(true);
});

test('what looks like a token is cut out, wherever it stands', () => {
  const { lines, log } = logger();
  log.warn(
    'socket.refused',
    { url: '/api/stream?token=SECRET&x=1', header: 'Bearer SECRET' },
    new Error('Cookie: session_token=SECRET; a=b'),
  );
  expect(lines.join('')).not.toContain('SECRET');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ url: '/api/stream?token=…&x=1' });
});

test('a level that is not asked for is not written', () => {
  const { lines, log } = logger('warn');
  log.info('device.ready');
  expect(lines).toEqual([]);
});
