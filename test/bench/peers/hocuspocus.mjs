/** Hocuspocus with SQLite and sign-in: the server that MarkCo is measured beside. Arguments: PORT, DATABASE, TOKEN. */
import { SQLite } from '@hocuspocus/extension-sqlite';
import { Server } from '@hocuspocus/server';

const [port, database, expected] = process.argv.slice(2);

const server = new Server({
  port: Number(port),
  address: '127.0.0.1',
  quiet: true,
  extensions: [new SQLite({ database })],
  async onAuthenticate({ token }) {
    if (token !== expected) throw new Error('wrong token');
  },
});
await server.listen();
