/** What this device asks of its cloud besides keeping documents equal. */
import { createApi, type Api } from '@markco/client/api';
import type { CloudPlace } from './dial.ts';

export const cloudApi = ({ url, token }: CloudPlace): Api => createApi({ fetch, origin: url, token });
