/** The image of containers: which one there is, and what it can run. `setup/container-image.ts` makes it. */
import { Failure, type Language } from '@markco/protocol';
import * as z from 'zod/mini';
import { bashRuntime } from '../bash/bash.ts';
import { javascriptRuntime } from '../javascript/javascript.ts';
import { pythonRuntime } from '../python/python.ts';
import type { Detected, RuntimeDescriptor } from '../runtime.ts';
import type { Engine } from './engine.ts';

export const IMAGE = 'markco-runtime:latest';
/** On the image: its languages as JSON, and the hash of what it was made from. */
export const RUNTIMES_LABEL = 'markco.runtimes';
export const RECIPE_LABEL = 'markco.recipe';

const found = z.object({ version: z.string(), executable: z.string() });
const RuntimesSchema = z.object({ python: z.optional(found), bash: z.optional(found), js: z.optional(found) });
const ImageSchema = z.object({
  Id: z.string(),
  Config: z.object({ Labels: z.nullable(z.record(z.string(), z.string())) }),
});

type Found = z.infer<typeof found>;
export type ContainerImage = {
  readonly id: string;
  /** By language: its version, and where it is in a container. */
  readonly runtimes: { readonly [language in Language]?: Found | undefined };
};

/** `runtime_missing` says how to make it. */
export async function readImage(engine: Engine, signal: AbortSignal): Promise<ContainerImage> {
  const image = await engine.call('GET', `/images/${IMAGE}/json`, signal).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'not_found') throw error;
    throw new Failure('runtime_missing', 'There is no image for containers yet. Make it with `npm run image`.');
  });
  const { Id: id, Config } = ImageSchema.parse(image);
  return { id, runtimes: RuntimesSchema.parse(JSON.parse(Config.Labels?.[RUNTIMES_LABEL] ?? '{}')) };
}

/** The languages of containers. A device whose containers are not ready has none, and says why. */
export function runtimesOf(image: (signal: AbortSignal) => Promise<ContainerImage>): readonly RuntimeDescriptor[] {
  return [pythonRuntime, bashRuntime, javascriptRuntime].map(({ forks: _forks, ...row }) => ({
    ...row,
    async detect({ config }, signal): Promise<Detected> {
      try {
        const own = (await image(signal)).runtimes[row.language];
        if (own === undefined) return missing(`The containers of this device have no ${row.label}.`);
        if (config.path === null) return { available: true, ...own };
        return missing(
          `This device runs cells in containers, which have no ${config.path}. Leave \`path\` out, or run the cell on another device.`,
        );
      } catch (error) {
        signal.throwIfAborted();
        return missing(Failure.from(error).message);
      }
    },
  }));
}

const missing = (hint: string): Detected => ({ available: false, hint });
