/** The languages a session can run (seed 000 §2.3). */
import * as z from 'zod/mini';

export const LANGUAGES = ['python', 'r', 'julia', 'bash', 'js'] as const;
export const LanguageSchema = z.enum(LANGUAGES);
export type Language = z.infer<typeof LanguageSchema>;
