/**
 * The configuration of a document: the `yaml config` blocks of its project's `mrmd.md` merged in order, then its own
 * front matter over them.
 *
 * Maps merge key by key; everything else is replaced. A block that cannot be read is left out and named in
 * `problems`. Nothing in it can start anything: it only says how what a person starts shall run.
 */
import { IterMode, type Tree } from '@lezer/common';
import { LANGUAGES, type Language } from '../entity/language.ts';
import { fenceLines, readFence } from './fence.ts';
import { readFrontMatter, readMap } from './front-matter.ts';
import { parseMarkdown } from './parser.ts';
import { isYamlMap, type YamlMap, type YamlValue } from './yaml.ts';

/** How sessions of one language run; null is the host's choice. Paths are as written, relative to the project. */
export type SessionConfig = {
  readonly path: string | null;
  readonly venv: string | null;
  readonly cwd: string | null;
  readonly name: string | null;
  /**
   * What runs this language instead of the built-in interpreter: the name of a Jupyter kernel of the device, or of a
   * runtime server its owner has attached. A document never names an address.
   */
  readonly kernel: string | null;
};

export type NotebookConfig = {
  readonly title: string | null;
  readonly session: Readonly<Record<Language, SessionConfig>>;
  /** Whether an output fence names where it ran and for how long. */
  readonly outputMeta: boolean;
  /** Everything that was written, known or not. */
  readonly values: YamlMap;
  /** One sentence for each part that could not be read. */
  readonly problems: readonly string[];
};

/** The texts of `mrmd.md` and of the document; null for what there is not. */
export type ConfigSources = { readonly project: string | null; readonly document: string | null };

export function readConfig(sources: ConfigSources): NotebookConfig {
  const parts = [
    ...(sources.project === null ? [] : readConfigBlocks(sources.project)),
    ...(sources.document === null ? [] : [readFrontMatter(sources.document)?.result ?? { value: {} }]),
  ];
  const problems = parts.flatMap((part) => ('error' in part ? [part.error] : []));
  const values = parts.reduce<YamlMap>(
    (merged, part) => ('error' in part ? merged : mergeMaps(merged, part.value)),
    {},
  );
  const session = isYamlMap(values['session']) ? values['session'] : {};
  return {
    title: textOf(values['title']),
    session: Object.fromEntries(LANGUAGES.map((language) => [language, sessionOf(session[language])])) as Record<
      Language,
      SessionConfig
    >,
    outputMeta: !isOff(values['outputMeta']),
    values,
    problems,
  };
}

/** Each closed `yaml config` block of a document, in order, as its map or its error. */
export function readConfigBlocks(
  text: string,
  tree: Tree = parseMarkdown(text),
): readonly ({ readonly value: YamlMap } | { readonly error: string })[] {
  const blocks: ({ readonly value: YamlMap } | { readonly error: string })[] = [];
  tree.iterate({
    mode: IterMode.IgnoreMounts | IterMode.IgnoreOverlays,
    enter: (ref) => {
      if (ref.name !== 'FencedCode') return;
      const fence = readFence(text, ref.node);
      if (fence.closed && fence.size === 3 && /^yaml\s+config$/.test(fence.info)) {
        blocks.push(readMap(fenceLines(text, ref.node, fence).join('\n')));
      }
    },
  });
  return blocks;
}

/** `over` on top of `under`, key by key where both are maps. */
export function mergeMaps(under: YamlMap, over: YamlMap): YamlMap {
  const merged: Record<string, YamlValue> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isYamlMap(old) && isYamlMap(value) ? mergeMaps(old, value) : value;
  }
  return merged;
}

function sessionOf(value: YamlValue | undefined): SessionConfig {
  const map = isYamlMap(value) ? value : {};
  return {
    path: textOf(map['path']),
    venv: textOf(map['venv']),
    cwd: textOf(map['cwd']),
    name: textOf(map['name']),
    kernel: textOf(map['kernel']),
  };
}

function textOf(value: YamlValue | undefined): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

function isOff(value: YamlValue | undefined): boolean {
  return value === false || value === 'off' || value === 'no';
}
