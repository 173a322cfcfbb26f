/** What two replicas talk over. */
export type { MessageStream } from '@markco/protocol/message-stream';
