const SHOWN_MS = 5_000;

/** Short messages of what was done; never of errors. */
class Toasts {
  text = $state('');
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    this.text = text;
    this.resume();
  }

  /** Stays while the pointer is on it or it has the focus. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  resume(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.text = ''), SHOWN_MS);
  }
}

export const toasts = new Toasts();

/** Puts a text on the clipboard and says what it was. */
export async function copy(text: string, what: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  toasts.say(`Copied ${what}`);
}
