/** Keeps the page as high as what is seen: above a soft keyboard there must be no room for anything hidden behind it. */
export function followViewport(window: Window): void {
  const { visualViewport: viewport } = window;
  if (viewport === null) return;
  const root = window.document.documentElement;
  const follow = (): void => {
    // Zoomed in, the seen part is a detail of the page, not its size.
    if (viewport.scale > 1.01) return;
    root.style.setProperty('--seen-height', `${viewport.height}px`);
    root.classList.toggle('keyboard-open', viewport.height < window.screen.height * 0.62 && window.innerWidth <= 760);
    window.scrollTo(0, 0);
  };
  viewport.addEventListener('resize', follow);
  follow();
}
