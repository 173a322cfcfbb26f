/**
 * HTML that a program made, hostile until proved otherwise: shown only in a frame without an origin
 * (`sandbox` without `allow-same-origin`), whose page forbids the network. It gets the HTML by message and
 * answers with its height; nothing else that it says is heard.
 */
const HEIGHT_MAX_PX = 2_000;
const FRAME_URL = '/frame';

export function createHtmlFrame(document: Document, html: string, title: string, onHeight: () => void): HTMLElement {
  const frame = document.createElement('iframe');
  frame.className = 'mc-frame';
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.setAttribute('credentialless', '');
  frame.setAttribute('referrerpolicy', 'no-referrer');
  frame.setAttribute('allow', '');
  frame.title = title;
  const heard = (event: MessageEvent<unknown>): void => {
    if (!frame.isConnected) return document.defaultView?.removeEventListener('message', heard);
    if (
      event.source !== frame.contentWindow ||
      typeof event.data !== 'object' ||
      event.data === null ||
      !('height' in event.data)
    )
      return;
    const { height } = event.data;
    if (typeof height !== 'number' || !(height >= 0)) return;
    frame.style.height = `${Math.min(HEIGHT_MAX_PX, Math.ceil(height))}px`;
    onHeight();
  };
  frame.addEventListener('load', () => {
    document.defaultView?.removeEventListener('message', heard);
    document.defaultView?.addEventListener('message', heard);
    frame.contentWindow?.postMessage({ html, dark: isDark(frame) }, '*');
  });
  frame.src = FRAME_URL;
  return frame;
}

function isDark(element: HTMLElement): boolean {
  const theme = element.ownerDocument.documentElement.dataset['theme'];
  return theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
}
