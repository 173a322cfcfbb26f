/** For tests: secrets that must be nowhere, looked for in every form that a careless line would give them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Canaries by their names; `found` lists which of them were where. */
export function searchFor(canaries: Readonly<Record<string, string>>) {
  const found: string[] = [];
  let bytesSeen = 0;
  const forms = Object.entries(canaries).map(([name, canary]) => {
    const bytes = Buffer.from(canary);
    const encoded = [encodeURIComponent(canary), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
    return { name, forms: new Set([canary, ...encoded]) };
  });

  /** `but`: canaries that may be there. */
  function look(where: string, bytes: Buffer | string, but: readonly string[] = []): void {
    const all = Buffer.from(bytes);
    bytesSeen += all.length;
    for (const { name, forms: each } of forms)
      if (!but.includes(name) && [...each].some((form) => all.includes(form))) found.push(`${name} in ${where}`);
  }

  return {
    found,
    get bytesSeen() {
      return bytesSeen;
    },
    look,
    /** `but`: by the name of the file. */
    async lookInFolder(folder: string, but: Readonly<Record<string, readonly string[]>> = {}): Promise<void> {
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        const file = join(entry.parentPath, entry.name);
        if (entry.isFile()) look(file, await readFile(file), but[entry.name]);
      }
    },
  };
}
