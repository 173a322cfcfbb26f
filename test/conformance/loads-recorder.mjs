/** Loaded before a device: writes down which of the packages that only a device with others needs are loaded. */
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const file = process.env['LOADS_FILE'] ?? '';

registerHooks({
  resolve(specifier, context, next) {
    if (/^(?:@automerge\/|@?libp2p\b|@noble\/)/.test(specifier)) appendFileSync(file, `${specifier}\n`);
    return next(specifier, context);
  },
});
