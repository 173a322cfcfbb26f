/** For tests: names that have got programs to write where they should not, or that one system takes and another does not. */
const climbing = ['..', '../x', '../../x', 'a/../../x', './../x', '..\\x', '..\\..\\x', 'a\\..\\..\\x', '....//x', '..%2fx', '%2e%2e/x', '..;/x', '/x', '//x', '///etc/x', '\\x', '\\\\host\\share\\x', 'C:', 'C:x', 'C:\\x', 'C:/x', 'file:///tmp/x', '~', '~/x', '$HOME/x', './x', 'a/./x', 'a//x', 'a/', '/', '.', '', ' ', '\t', '..\u0000', 'x\u0000.md', '\u2025/x', '\uFF0E\uFF0E/x', '..\u2215x', '\u202Ex', 'a/..', 'a/b/../../../x', '.\u200B./x', '..\u00AD/x'];
const devices = ['CON', 'PRN', 'AUX', 'NUL', 'CONIN$', 'CONOUT$', ...Array.from({ length: 10 }, (_, i) => [`COM${i}`, `LPT${i}`]).flat()].flatMap((name) => [name, name.toLowerCase(), `${name}.txt`, `a/${name}`, `${name} `]);
const hidden = ['.git/config', '.git/hooks/post-checkout', '.ssh/authorized_keys', '.bashrc', '.env', '.markco-x.tmp', 'node_modules/a', '__pycache__/a', '.venv/a', 'a/.b/c', 'a/node_modules/b'];
const long = [255, 256, 300, 1_024, 1_025, 5_000].flatMap((length) => ['x'.repeat(length), 'é'.repeat(length / 2), `${'d/'.repeat(Math.floor(length / 2))}x`]);
const controls = Array.from({ length: 32 }, (_, code) => `a${String.fromCharCode(code)}b`).concat(Array.from({ length: 33 }, (_, i) => `a${String.fromCharCode(0x7f + i)}b`));
const unicode = ['café', 'cafe\u0301', 'Å', 'Å', '\uD800', 'a\uDC00b', '\uFEFFx', '\u200Bx', 'ﬁ', 'İ', 'ß', 'ẞ', '😀', '\u0301', 'x\u0301'.repeat(50), '\u{10FFFF}', 'ꟿ'];
const punctuation = ['a:b', 'a*b', 'a?b', 'a"b', 'a<b', 'a>b', 'a|b', "a'b", 'a`b', 'a;b', 'a&b', 'a$(id)b', '-rf', '--', 'a b', ' a', 'a ', 'a.', 'a..', '...', '.. ', ' ..', 'a\nb', 'a\rb', '%00', '%n', '{a,b}', '[a]', '!', '#', 'a::$DATA', 'a:stream'];
const inFolders = [...climbing, ...punctuation].map((name) => `folder/${name}`);

export const HOSTILE_NAMES: readonly string[] = [...climbing, ...devices, ...hidden, ...long, ...controls, ...unicode, ...punctuation, ...inFolders];
