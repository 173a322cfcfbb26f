/** What a session is called, for hostile names too. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readSessionName, writeSessionName } from './session-name.ts';

const ID = '0192f0c1-2345-7abc-8def-0123456789ab';

test('each part may be left out', () => {
  expect(readSessionName('')).toEqual({ project: null, name: null, language: null });
  expect(readSessionName('default')).toEqual({ project: null, name: 'default', language: null });
  expect(readSessionName('notes:')).toEqual({ project: 'notes', name: null, language: null });
  expect(readSessionName('@bash')).toEqual({ project: null, name: null, language: 'bash' });
  expect(readSessionName('notes:a b@r')).toEqual({ project: 'notes', name: 'a b', language: 'r' });
  expect(readSessionName(':a@')).toEqual({ project: null, name: 'a', language: null });
  expect(readSessionName('p:a:b@c@js')).toEqual({ project: 'p', name: 'a:b@c', language: 'js' });
  expect(readSessionName('a@b:c')).toEqual({ project: 'a@b', name: 'c', language: null });
  expect(readSessionName(ID)).toEqual({ id: ID });
});

test('a name that is too long or cannot be seen is refused', () => {
  for (const text of ['x'.repeat(101), 'a\0b', 'a\nb', '\u001b[2J', '\ud800', `p:${'y'.repeat(101)}@python`])
    expect(() => readSessionName(text)).toThrow('Give it another one.');
});

test('what is written is read back, whatever the name holds', () => {
  const name = fc
    .oneof(
      fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' }),
      fc.stringMatching(/^[:@a./-]{1,12}$/),
      fc.constant(ID),
      fc.constantFrom('__proto__', '../..', 'a@', ':', '@', '@python', 'p:'),
    )
    .filter((text) => text.length <= 100 && !/\p{Cc}|\p{Cs}/u.test(text));
  const project = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);
  fc.assert(
    fc.property(name, project, fc.boolean(), fc.boolean(), (text, slug, leaveProject, leaveLanguage) => {
      const written = writeSessionName(
        text,
        { project: slug, language: 'python' },
        { project: leaveProject, language: leaveLanguage },
      );
      const read = readSessionName(written);
      expect(read).toMatchObject({ name: text });
      expect([null, slug]).toContain('project' in read ? read.project : undefined);
      expect([null, 'python']).toContain('language' in read ? read.language : undefined);
    }),
    { numRuns: 1_000 },
  );
});

test('no text makes reading fail in another way', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      try {
        const read = readSessionName(text);
        if ('name' in read) expect(read.name).not.toBe('');
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad_request' });
      }
    }),
    { numRuns: 1_000 },
  );
});
