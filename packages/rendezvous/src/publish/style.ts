/** The styles of published pages, and the policy that lets a page have these and nothing else. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const tight = (css: string): string =>
  css
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{};,]) ?/g, '$1')
    .trim();

export const PAGE_STYLE = ['page', 'text', 'colors']
  .map((name) => tight(readFileSync(join(import.meta.dirname, 'style', `${name}.css`), 'utf8')))
  .join('');
/** Of a frame for what a program made as HTML. */
export const FRAME_STYLE =
  'html{color-scheme:light dark}body{margin:8px;font:14px/1.5 system-ui,sans-serif}table{border-collapse:collapse}td,th{padding:4px 10px;text-align:right;border-bottom:1px solid #8885}';

/** What a table says of its columns; no other style stands in a page. */
const COLUMNS = ['left', 'center', 'right'].map((side) => `text-align:${side}`);

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * No script, no form, nothing from elsewhere. `sandbox` without `allow-same-origin`: the page has no origin, so that
 * one that is served beside the page of the cloud could not reach it, whatever it said.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'unsafe-hashes' ${[PAGE_STYLE, FRAME_STYLE, ...COLUMNS].map(hashOf).join(' ')}`,
  "img-src 'self'",
  "media-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  'sandbox allow-popups allow-popups-to-escape-sandbox allow-downloads',
].join('; ');
