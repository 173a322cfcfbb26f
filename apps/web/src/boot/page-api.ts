/** The routes of whoever the page came from, before there is a client. */
import { createApi, type Api } from '@markco/client';

/** @param token instead of the cookie of this browser */
export const pageApi = (token?: string): Api =>
  createApi({ fetch: (...input) => fetch(...input), origin: '', ...(token === undefined ? {} : { token }) });

/** @param share the link that somebody came by */
export const guestApi = (share: string): Api => createApi({ fetch: (...input) => fetch(...input), origin: '', share });
