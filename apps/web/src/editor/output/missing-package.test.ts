import fc from 'fast-check';
import { expect, test } from 'vitest';
import { missingPackage } from './missing-package.ts';

test.each([
  ['python', 'ModuleNotFoundError', "No module named 'requests'", '%pip install requests'],
  ['python', 'ModuleNotFoundError', "No module named 'cv2'", '%pip install opencv-python'],
  ['python', 'ModuleNotFoundError', "No module named 'sklearn'", '%pip install scikit-learn'],
  ['python', 'ModuleNotFoundError', "No module named 'PIL'", '%pip install pillow'],
  ['python', 'ModuleNotFoundError', "No module named 'yaml'", '%pip install pyyaml'],
  ['python', 'ModuleNotFoundError', "No module named 'bs4'", '%pip install beautifulsoup4'],
  ['r', 'packageNotFoundError', 'there is no package called ‘ggplot2’', 'install.packages("ggplot2")'],
  ['r', 'Error', "there is no package called 'data.table'", 'install.packages("data.table")'],
  ['js', 'Error', "Cannot find package 'lodash' imported from /x/cell.mjs", 'npm install lodash'],
  ['js', 'Error', "Cannot find module '@scope/name/inside'", 'npm install @scope/name'],
])('%s: %s: %s', (language, type, message, command) => {
  expect(missingPackage(language, type, message)?.command).toBe(command);
});

test.each([
  ['python', 'ModuleNotFoundError', "No module named 'os.nothing'"],
  ['python', 'ValueError', "No module named 'requests'"],
  ['python', 'ModuleNotFoundError', "No module named 'a; rm -rf /'"],
  ['js', 'Error', "Cannot find module './mine.js'"],
  ['js', 'Error', "Cannot find module '/abs/mine.js'"],
  ['bash', 'ExitError', "No module named 'requests'"],
])('nothing is offered for %s: %s: %s', (language, type, message) => {
  expect(missingPackage(language, type, message)).toBeNull();
});

test('whatever a program says, a proposed command holds a name and nothing else', () => {
  const said = fc.oneof(
    fc.string().map((name) => `No module named '${name}'`),
    fc.string().map((name) => `there is no package called ‘${name}’`),
    fc.string().map((name) => `Cannot find package '${name}' imported from x`),
  );
  fc.assert(
    fc.property(said, fc.constantFrom('python', 'r', 'js'), (message, language) => {
      const found = missingPackage(language, 'ModuleNotFoundError', message);
      if (found !== null) expect(found.name).toMatch(/^(?:@[\w.-]+\/)?[\w.-]+$/);
    }),
  );
});
