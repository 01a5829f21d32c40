import { part } from './element.ts';

const THEMES = ['auto', 'light', 'dark'] as const;

/** The button that goes from the browser's own theme to light to dark. `changed` is told of each, also of the browser's. */
export function showTheme(changed: () => void): void {
  const toggle = part('theme', HTMLButtonElement);
  let place = 0;
  const show = (): void => {
    const theme = THEMES[place] ?? 'auto';
    document.documentElement.style.colorScheme = theme === 'auto' ? 'light dark' : theme;
    document.documentElement.dataset.theme = theme;
    toggle.textContent = `Theme: ${theme}`;
  };
  show();
  toggle.addEventListener('click', () => {
    place = (place + 1) % THEMES.length;
    show();
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}

/** What a colour of the style sheet comes to now, for a canvas. */
export function themeColor(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
