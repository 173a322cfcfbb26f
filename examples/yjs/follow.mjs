/**
 * Prints a page of a cloud, again whenever somebody writes in it: `y-websocket` of npm, with tickets in place of a token
 * that lasts. It goes on when the cloud is started again. ORIGIN, TOKEN, USER_ID, SLUG and PAGE come from the environment.
 */
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';

const { ORIGIN, TOKEN, USER_ID, SLUG, PAGE } = process.env;
const path = `/sync/${USER_ID}/${SLUG}/${PAGE.split('/').map(encodeURIComponent).join('/')}`;
const doc = new Y.Doc();
const provider = new WebsocketProvider(ORIGIN.replace('http', 'ws'), path.slice(1), doc, { connect: false });

async function renew() {
  const answer = await fetch(`${ORIGIN}/api/tickets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ path, mode: 'read' }),
  });
  provider.params.ticket = (await answer.json()).ticket;
}
// Each connection takes a ticket of its own. One that comes too late for the next is there for the one after.
provider.on('connection-close', () => renew().catch(() => undefined));
await renew();
provider.connect();
doc.getText('content').observe((_event) => console.log(doc.getText('content').toString()));
