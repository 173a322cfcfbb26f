/** Loaded into a device by `--import`: writes down every connection and every name that its program asks for. */
import dgram from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import net from 'node:net';

const file = process.env['DIALS_FILE'] ?? '';
const record = (what, given) => appendFileSync(file, `${JSON.stringify({ pid: process.pid, what, given })}\n`);
const plain = (given) => given.flat().filter((each) => typeof each !== 'function');

function watch(of, name, what) {
  const original = of[name];
  of[name] = function (...given) {
    record(what, plain(given));
    return original.apply(this, given);
  };
}

watch(net.Socket.prototype, 'connect', 'connect');
for (const name of ['connect', 'send']) watch(dgram.Socket.prototype, name, 'datagram');
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6', 'resolveAny'])
  for (const of of [dns, dns.promises]) watch(of, name, 'name');
record('watching', process.argv.slice(1));
