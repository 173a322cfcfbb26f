/** A document's front matter: where it is and what its YAML says. */
import type { Tree } from '@lezer/common';
import { parseMarkdown } from './parser.ts';
import { isYamlMap, readYaml, type YamlMap } from './yaml.ts';

export type FrontMatter = {
  readonly from: number;
  readonly to: number;
  /** The YAML between the marks. */
  readonly contentFrom: number;
  readonly contentTo: number;
  readonly result: { readonly value: YamlMap } | { readonly error: string };
};

/** Null where there is none, and where its end is missing. Broken YAML is an `error` in words, not a throw. */
export function readFrontMatter(text: string, tree: Tree = parseMarkdown(text)): FrontMatter | null {
  const node = tree.topNode.firstChild;
  if (node === null || node.name !== 'FrontMatter' || node.getChildren('FrontMatterMark').length < 2) return null;
  const content = node.getChild('FrontMatterContent');
  const contentFrom = content?.from ?? text.indexOf('\n') + 1;
  const contentTo = content?.to ?? contentFrom;
  return { from: node.from, to: node.to, contentFrom, contentTo, result: readMap(text.slice(contentFrom, contentTo)) };
}

/** YAML that must be a map; nothing at all is an empty one. */
export function readMap(text: string): { readonly value: YamlMap } | { readonly error: string } {
  const result = readYaml(text.replaceAll(/\r(?=\n|$)/g, ''));
  if ('error' in result) return result;
  if (isYamlMap(result.value)) return { value: result.value };
  return result.value === null ? { value: {} } : { error: 'The YAML is no list of `name: value` lines. Write it so.' };
}
