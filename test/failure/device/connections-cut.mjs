/** Loaded into a device by `--import`: at SIGUSR2 every connection to another device breaks, without a goodbye. */
import http from 'node:http';
import net from 'node:net';

const peers = new Set();

function keep(socket) {
  peers.add(socket);
  socket.once('close', () => peers.delete(socket));
}

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...given) {
  // A session of the device is at a path; only other devices are at a port.
  const [options] = given.flat();
  if (typeof options === 'object' && options !== null && options.path === undefined) keep(this);
  return connect.apply(this, given);
};
const { emit } = net.Server.prototype;
net.Server.prototype.emit = function (name, ...given) {
  if (name === 'connection' && !(this instanceof http.Server) && given[0]?.remotePort !== undefined) keep(given[0]);
  return emit.call(this, name, ...given);
};
process.on('SIGUSR2', () => {
  for (const socket of peers) socket.destroy();
});
