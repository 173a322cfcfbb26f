/** Installs the service worker, and offers a new build once it is there: never in the middle of a sentence, never by itself. */

/** `offer` is called with how to change to the new build. */
export async function followUpdates(
  container: ServiceWorkerContainer,
  reload: () => void,
  offer: (change: () => void) => void,
): Promise<void> {
  const hadOne = container.controller !== null;
  const registration = await container.register('/service-worker.js', { scope: '/', updateViaCache: 'none' });
  const offerIfWaiting = (): void => {
    const { waiting } = registration;
    if (waiting === null || !hadOne) return;
    offer(() => {
      container.addEventListener('controllerchange', reload, { once: true });
      waiting.postMessage('take over');
    });
  };
  offerIfWaiting();
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', offerIfWaiting);
  });
}
