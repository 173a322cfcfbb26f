/** What devices speak with each other, as far as a browser does too. What it takes to speak it each device says for itself. */

export const HELLO = '/markco/hello/1.0.0';
export const PAIR = '/markco/pair/1.0.0';
/** What two devices keep each other up to date about. */
export const CONTROL = '/markco/control/1.0.0';
/** What a client of a device sends and hears, without documents: runs, and what becomes of them. */
export const STREAM = '/markco/stream/1.0.0';
/** Requests of the route table. */
export const HTTP = '/markco/http/1.0.0';
