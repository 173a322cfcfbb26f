/** What is taken for a secret, and what is not. The samples are put together here, so that none stands in this file. */
import { expect, test } from 'vitest';
import { findSecrets } from './secrets.ts';

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'.repeat(6);
const some = (length: number): string => letters.slice(3, 3 + length);

const SECRETS: readonly (readonly [kind: string, text: string])[] = [
  ['a private key', ['-----BEGIN OPENSSH', 'PRIVATE KEY-----'].join(' ')],
  ['a private key', ['-----BEGIN', 'PRIVATE KEY-----'].join(' ')],
  ['a private key', ['-----BEGIN PGP', 'PRIVATE KEY BLOCK-----'].join(' ')],
  ['an AWS access key', `AKIA${'IOSFODNN7EXAMPLE'.replaceAll(/[01689]/g, '2')}`],
  ['an AWS secret key', `aws_secret_access_key = "${some(40)}"`],
  ['a GitHub token', `ghp_${some(36)}`],
  ['a GitHub token', `github_pat_${some(60)}`],
  ['a GitHub token', `ghp\\_${some(36)}`],
  ['a GitHub token', `g\x1b[31mhp_${some(36)}`],
  ['a GitLab token', `glpat-${some(20)}`],
  ['a Slack token', `xoxb-123456789012-${some(24)}`],
  ['a Slack token', `https://hooks.slack.com/services/T00000000/B00000000/${some(24)}`],
  ['an API key of an AI service', `sk-${some(20)}1${some(20)}`],
  ['an API key of an AI service', `sk-ant-api03-${some(60)}`],
  ['a Stripe key', `sk_live_${some(24)}`],
  ['a Google API key', `AIza${some(35)}`],
  ['a Hugging Face token', `hf_${some(34)}`],
  ['an npm token', `npm_${some(36)}`],
  ['a PyPI token', `pypi-AgE${some(60)}`],
  ['a signed token (JWT)', `eyJ${some(20)}.eyJ${some(40)}.${some(43)}`],
  ['a line that signs in to MarkCo', `http://192.0.2.2:3000/#token=${some(43)}`],
  ['a password in an address', 'postgres://ada:hunter22@db.example.com/shop'],
  ['a password in an address', 'redis://:hunter22@localhost:6379'],
];

test.each(SECRETS)('finds %s', (kind, secret) => {
  const text = `# Page\n\n\`\`\`output\nx = '${secret}'\n\`\`\`\n`;
  expect(findSecrets(text, 'page')).toEqual([{ kind, line: 4, id: expect.stringMatching(/^[0-9a-f]{16}$/) }]);
});

test('takes nothing for a secret that only resembles one', () => {
  const text = [
    'postgres://user:password@host/db, postgres://USER:$PASSWORD@host, https://user:<token>@host, http://a:b@c',
    'sk-learn-and-other-things-with-dashes, AKIA, ghp_short, eyJhbGciOi.eyJ.x, task-abcdefghijklmnopqrstuvwxyz1',
    '-----BEGIN PUBLIC KEY-----, -----BEGIN CERTIFICATE-----, https://example.com:8080/a@b, 12:30@noon',
    `sha256 ${'0123456789abcdef'.repeat(4)}, mailto:ada@example.com, ?token=abc`,
  ].join('\n');
  expect(findSecrets(text, 'page')).toEqual([]);
});

test('an id is of one text in one page, wherever it stands there', () => {
  const [one, other] = [`ghp_${some(36)}`, `ghp_${some(37)}`];
  const [first] = findSecrets(one, 'page');
  expect(findSecrets(`\n\n${one}\n${one}`, 'page')).toEqual([{ ...first, line: 3 }]);
  expect(findSecrets(other, 'page')[0]?.id).not.toBe(first?.id);
  expect(findSecrets(one, 'other')[0]?.id).not.toBe(first?.id);
});

test('ends soon on texts made to be slow', () => {
  for (const text of ['a:'.repeat(200_000), 'eyJ'.repeat(100_000), 'sk-'.repeat(100_000), '://:'.repeat(100_000)])
    expect(findSecrets(text, 'page').length).toBeLessThanOrEqual(100);
});
