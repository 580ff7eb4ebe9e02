import { SvelteMap } from 'svelte/reactivity';
import type { Route } from '../routing/routes';

/** Pages that a policy denied, with the reason: their entries stay in the rail, greyed. */
class Refusals {
  readonly byPage = new SvelteMap<Route['page'], string>();

  mark(page: Route['page'], reason: string): void {
    this.byPage.set(page, reason);
  }

  /** A page that is opened is asked for again. */
  forget(page?: Route['page']): void {
    if (page) this.byPage.delete(page);
    else this.byPage.clear();
  }
}

export const refusals = new Refusals();
