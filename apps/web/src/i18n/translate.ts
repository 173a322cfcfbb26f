/**
 * Words with holes: `translate(messages, 'fr', 'saved', { time: '18:04' })`. A message is a text, or one text a plural
 * form, chosen by `count` with the language's own rules. A hole without a value stays visible, so that it is noticed.
 */
export type Language = 'en' | 'fr';
export type Message = string | { readonly one: string; readonly other: string };
export type Params = Readonly<Record<string, string | number>>;

const rules: Readonly<Record<Language, Intl.PluralRules>> = {
  en: new Intl.PluralRules('en'),
  fr: new Intl.PluralRules('fr'),
};
const numbers: Readonly<Record<Language, Intl.NumberFormat>> = {
  en: new Intl.NumberFormat('en'),
  fr: new Intl.NumberFormat('fr'),
};

/** Numbers are written as the language writes them; texts go in as they are. */
export function translate(message: Message, language: Language, params: Params = {}): string {
  const form =
    typeof message === 'string'
      ? message
      : message[rules[language].select(Number(params['count'] ?? 0)) === 'one' ? 'one' : 'other'];
  return form.replace(/\{(\w+)\}/g, (hole, name: string) => {
    const value = params[name];
    if (value === undefined) return hole;
    return typeof value === 'number' ? numbers[language].format(value) : value;
  });
}

/** The first of the wanted languages that there are words for. */
export function chooseLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const code = tag.slice(0, 2).toLowerCase();
    if (code === 'fr' || code === 'en') return code;
  }
  return 'en';
}
