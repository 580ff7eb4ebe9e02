export type Theme = 'system' | 'light' | 'dark';
const ORDER: readonly Theme[] = ['system', 'light', 'dark'];
const KEY = 'tympan-theme';

/** Light, dark, or as the system is; kept in this browser. */
class Themes {
  chosen = $state<Theme>('system');
  /** Counts changes, also those of the system: what is drawn on a canvas is drawn again. */
  changes = $state(0);

  start(): void {
    const kept = localStorage.getItem(KEY);
    this.#apply(ORDER.find((theme) => theme === kept) ?? 'system');
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.changes++);
  }

  next(): void {
    this.#apply(ORDER[(ORDER.indexOf(this.chosen) + 1) % ORDER.length] ?? 'system');
    localStorage.setItem(KEY, this.chosen);
  }

  #apply(theme: Theme): void {
    this.chosen = theme;
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    this.changes++;
  }
}

export const themes = new Themes();
