/** What a browser finds at the address of the rendezvous. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>MarkCo</title>
<style>body{font:16px/1.5 system-ui;max-width:34rem;margin:4rem auto;padding:0 1rem}code{background:#8882;padding:.1em .3em}</style>
<h1>MarkCo</h1>
<p>This is a MarkCo cloud. It keeps the documents of its owner's devices while they are off.</p>
<p>On a device, type <code>markco login</code> with the address that <code>markco cloud</code> printed.</p>
</html>
`;

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export async function startPage(path: string, method: string): Promise<Response> {
  if (method !== 'GET' && method !== 'HEAD')
    return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
  if (path !== '/') return new Response('There is nothing here.\n', { status: 404 });
  return new Response(method === 'HEAD' ? null : PAGE, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'cache-control': 'no-cache',
    },
  });
}
