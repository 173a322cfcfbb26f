/**
 * Which files may open a connection, listed by hand. A peer that could make a device dial would reach what only the
 * device reaches: so nothing else here can, whatever comes in over a wire.
 */
import { isCode, isTest, type Breach, type Rule } from './rule.ts';

/** What each of them opens, and why no peer decides where to. */
const MAY_DIAL: Readonly<Record<string, string>> = {
  'packages/replica/src/listen/server.ts': 'listens',
  'packages/replica/src/listen/connected-web-socket.ts':
    'what a client that has come is made into; it is given no address',
  'packages/node/src/mesh/host.ts':
    'other devices of the user, which prove their key; their addresses come from them and may be anything',
  'packages/node/src/mesh/webrtc.ts': 'where `host.ts` dials, by a transport that is loaded only then',
  'packages/node/src/mesh/stun.ts': 'answers whoever asks by which address it is seen, there and nowhere else',
  'packages/node/src/cloud/cloud-api.ts': 'the cloud that the owner of the device named',
  'packages/client/src/mesh/peers.ts': 'has `Network` connect to a device whose key is in the log of the user',
  'packages/client/src/mesh/join.ts': 'has it connect to the device that a person named by its code or its link',
  'packages/client/src/mesh/peer-clients.ts': 'hands a client the streams of a device that is connected',
  'packages/rendezvous/src/peers/pipes.ts': 'the device beside this cloud, on the same machine',
  'packages/node/src/cloud/dial.ts': 'the cloud that the owner of the device named',
  'packages/node/src/cloud/call-beside.ts': 'the same one',
  'packages/node/src/runtimes/worker-link.ts': 'a socket in the folder of a session',
  'packages/node/src/runtimes/containers/engine.ts': 'the socket of Docker that the owner of the device named',
  'packages/node/src/runtimes/keeper/link.ts': 'listens on that socket',
  'packages/node/src/runtimes/keeper/claim.ts': 'a socket beside that one, to learn whether its process lives',
  'packages/node/src/runtimes/keeper/pipes.ts': 'reads named pipes in the folder of a session',
  'packages/node/src/runtimes/jupyter/connection.ts': 'takes free ports of 127.0.0.1 for a kernel',
  'packages/node/src/runtimes/jupyter/channels.ts': 'those ports, or sockets in the folder of a session',
  'packages/node/src/runtimes/javascript/child/main.mjs': 'reads the pipes that it was started with',
  'packages/node/src/runtimes/javascript/child/breaker.mjs': 'reads a pipe that it was started with',
  'packages/node/src/runtimes/javascript/child/cells.mjs': 'the inspector of its own process',
  'packages/node/src/runtimes/remote/request.ts': "the servers in the owner's own runtimes.json",
  'packages/rendezvous/src/store/database.ts': 'the database that its owner named',
  'packages/client/src/mesh/browser/browser-network.ts':
    'the server of its own page, and devices of the user, through it and by WebRTC, which prove their key',
  'packages/rendezvous/src/processes/bus.ts': 'the NATS server that its owner named',
  'packages/client/src/api.ts': 'the device that its maker names',
  'packages/client/src/socket.ts': 'the device that its maker names',
  'apps/cli/src/main.ts': 'hands `fetch` to the commands',
  'apps/cli/src/command/logs.ts': 'the device in device.json',
  'apps/cli/src/cloud-here.ts': 'the cloud of this machine',
  'apps/cli/src/device.ts': 'the device in device.json',
  'apps/cli/src/peer.ts': 'the device in device.json',
  'apps/cli/src/port.ts': 'listens, to find out whether a port is free',
  'apps/web/src/main.tsx': 'the device that the page came from',
  'apps/web/src/boot/page-api.ts': 'the device or the cloud that the page came from',
  'apps/web/src/boot/sign-in.ts': 'the device that the page came from',
  'apps/web/src/service-worker.ts': 'what the page asks of the device it came from',
};

const MODULE = String.raw`['"](?:node:)?(?:net|http|https|http2|tls|dns|dns/promises|dgram|undici|zeromq|ws|@nats-io/transport-node)['"]`;
const DIALS = new RegExp(
  [
    String.raw`^\s*(?:import|export)\s+(?!type\b)[^'";]*?\bfrom\s*${MODULE}`,
    String.raw`\bimport\(\s*${MODULE}`,
    String.raw`\brequire\(\s*${MODULE}`,
    String.raw`(?<!\bapp)\.fetch\(`,
    String.raw`(?<![\w.'"\x60-]|\b(?:readonly|typeof) )fetch(?![\w'"\x60-])`,
    String.raw`\bnew (?:globalThis\.)?(?:WebSocket|EventSource|XMLHttpRequest)\(`,
    String.raw`\.(?:connect|dial|sendBeacon)\(`,
    // Python.
    String.raw`^\s*(?:import|from) (?:urllib|http\.client|requests|httpx|aiohttp|ftplib|smtplib|xmlrpc)\b`,
    String.raw`\bcreate_connection\(`,
  ].join('|'),
  'gm',
);

const withoutComments = (text: string): string =>
  text
    .replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|\s)(\/\/|# ).*$/gm, (comment) => ' '.repeat(comment.length));

function dialsIn(path: string, text: string): readonly Breach[] {
  const code = withoutComments(text);
  const lines = [...code.matchAll(DIALS)].map(
    ({ index, 0: found }) => code.slice(0, index + found.trimEnd().length).split('\n').length,
  );
  return [...new Set(lines)].map((line) => ({
    path,
    line,
    message: `this file may open no connection: ${code.split('\n')[line - 1]?.trim() ?? ''}`,
  }));
}

export const dials: Rule = {
  name: 'only files that no peer tells where to may open a connection',
  concerns: (path) =>
    /^(packages|apps)\/[\w-]+\/src\//.test(path) && (isCode(path) || path.endsWith('.py')) && !isTest(path),
  check: ({ path, text }) => (Object.hasOwn(MAY_DIAL, path) ? [] : dialsIn(path, text)),
};

/** Files that are allowed what they do not do: a list that is longer than it must be guards less. */
export function needlesslyAllowed(files: readonly { readonly path: string; readonly text: string }[]) {
  const needed = new Set(files.filter(({ path, text }) => dialsIn(path, text).length > 0).map(({ path }) => path));
  return Object.keys(MAY_DIAL).filter((path) => !needed.has(path));
}
