/**
 * Hocuspocus with SQLite and sign-in: the server that MarkCo is measured beside. Arguments: PORT, DATABASE, TOKEN.
 *
 * Its extension runs on the SQLite inside Node instead of better-sqlite3, which would need a compiler: same SQL, same calls.
 */
import { SQLite } from '@hocuspocus/extension-sqlite';
import { Server } from '@hocuspocus/server';
import { DatabaseSync } from 'node:sqlite';

const [port, database, expected] = process.argv.slice(2);

class SQLiteOfNode extends SQLite {
  async onConfigure() {
    this.db = new DatabaseSync(this.configuration.database);
    this.db.exec(this.configuration.schema);
  }
}

const server = new Server({
  port: Number(port),
  address: '127.0.0.1',
  quiet: true,
  extensions: [new SQLiteOfNode({ database })],
  async onAuthenticate({ token }) {
    if (token !== expected) throw new Error('wrong token');
  },
});
await server.listen();
