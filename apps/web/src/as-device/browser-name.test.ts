import { expect, test } from 'vitest';
import { browserName } from './browser-name.ts';

test('a browser is called as people call it', () => {
  const chrome = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0';
  expect(browserName(`${chrome} Mobile Safari/537.36`)).toEqual({ name: 'Chrome on Android', os: 'Android' });
  expect(browserName(`${chrome} Safari/537.36 Edg/142.0.0.0`).name).toBe('Edge on Android');
  const iphone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
  expect(browserName(`${iphone} Version/26.0 Mobile/15E148 Safari/604.1`).name).toBe('Safari on iPhone');
  expect(browserName('something else')).toEqual({ name: 'A browser', os: '' });
});
