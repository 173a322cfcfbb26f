/** A part of the page that is fetched when it is first wanted, so that the page itself opens sooner. */
import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { Wait } from './wait.tsx';

type Loaded<P> = { readonly part: ComponentType<P> } | 'failed' | undefined;

export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let known: ComponentType<P> | undefined;
  return function Later(props: P) {
    const loaded = useSignal<Loaded<P>>(known === undefined ? undefined : { part: known });
    const fetchPart = (): void => {
      load().then(
        (part) => {
          known = part;
          loaded.value = { part };
        },
        () => (loaded.value = 'failed'),
      );
    };
    useEffect(() => {
      if (known === undefined) fetchPart();
    }, []);
    if (loaded.value === undefined) return <Wait step={t('loadingPart')} />;
    if (loaded.value === 'failed')
      return (
        <p class="empty">
          {t('partNotLoaded')}{' '}
          <button class="button" type="button" onClick={fetchPart}>
            {t('tryAgain')}
          </button>
        </p>
      );
    const Part = loaded.value.part;
    return <Part {...props} />;
  };
}
