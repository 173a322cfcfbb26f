/**
 * How a device runs so that it takes little memory. What passes through it lives shortly: kept in a small nursery, it
 * costs half as much; without this, a device that was written on without pause had a nursery of 80 MB, whose pages stayed
 * for some more seconds once they were empty. And it may ask for a collection, to give back what documents took that
 * nobody has open any more. The nursery is cleared by one thread: where the program has only a share of a machine, as a container
 * has, several wait for each other, and half of the share went into that.
 */
export const lean = ['--max-semi-space-size=4', '--no-parallel-scavenge', '--expose-gc'];

/**
 * The same for what is not V8's. glibc keeps up to eight heaps for each core, of which a device with few threads fills a
 * part each, and gives memory back ever later the larger the blocks are that it was asked for: with two heaps, and with
 * large blocks given back at once, a device that is written on stays as large as it was. Other systems pass these over.
 */
const allocator = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' };

/**
 * What is added to an environment, but for what somebody has set there. Programs that the device starts for somebody do
 * not get what is named in MARKCO_LEAN (`worker-process.ts`).
 */
export function leanEnvironment(env) {
  if (process.platform !== 'linux') return {};
  const before = (env.MARKCO_LEAN ?? '').split(',');
  const added = Object.entries(allocator).filter(([name]) => env[name] === undefined || before.includes(name));
  return { ...Object.fromEntries(added), MARKCO_LEAN: added.map(([name]) => name).join() };
}
