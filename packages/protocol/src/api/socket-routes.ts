/** The WebSockets of a device and of a cloud. */
export const SOCKET_ROUTES = {
  stream: '/api/stream',
  runEvents: '/api/runs/:id/events',
  sync: '/sync/:userId/:project/*',
  /** A device of the user, at a cloud. */
  link: '/api/link',
  /** Browsers that find each other, at a cloud. */
  signal: '/api/signal',
  /** What a guest of a share link has of the stream: documents. */
  guest: '/api/guest',
  /** A plain agent, at a cloud. */
  agents: '/api/agents/connect',
} as const;

export type SocketRouteName = keyof typeof SOCKET_ROUTES;
