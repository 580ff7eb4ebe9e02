const KEY = 'tympan-contact-views';
const MOST = 20;

/** A view of contacts that was given a name: the open part of its address. A number or an attribute's value is not kept. */
export interface View {
  name: string;
  query: string;
}

/** Reads what this browser keeps; what is no view is passed over. */
export function readViews(text: string | null): View[] {
  try {
    const kept: unknown = JSON.parse(text ?? '[]');
    if (!Array.isArray(kept)) return [];
    return kept.filter((one: Partial<View> | null): one is View => typeof one?.name === 'string' && typeof one.query === 'string').slice(0, MOST);
  } catch {
    return [];
  }
}

class Views {
  all = $state<View[]>([]);

  start(): void {
    this.all = readViews(localStorage.getItem(KEY));
  }

  /** Keeps a view, in place of one of the same name. */
  save(view: View): void {
    this.all = [...this.all.filter((one) => one.name !== view.name), view].slice(-MOST);
    this.#keep();
  }

  forget(name: string): void {
    this.all = this.all.filter((one) => one.name !== name);
    this.#keep();
  }

  #keep(): void {
    localStorage.setItem(KEY, JSON.stringify(this.all));
  }
}

export const views = new Views();
