import { routeOf, type Route } from './routes';

/** The place that the window shows. */
class Router {
  path = $state(location.pathname);
  /** Without its `?`. */
  query = $state(location.search.slice(1));
  /** Without its `#`. */
  fragment = $state(location.hash.slice(1));
  route: Route = $derived(routeOf(this.path));

  start(): void {
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#onClick(event));
  }

  #read(): void {
    this.path = location.pathname;
    this.query = location.search.slice(1);
    this.fragment = location.hash.slice(1);
  }

  /** Goes to an address of this console. `replace` is for what changes while the user types. */
  go(to: string, { replace = false } = {}): void {
    if (to === location.pathname + location.search + location.hash) return;
    const isOtherPage = new URL(to, location.href).pathname !== location.pathname;
    if (replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    this.#read();
    if (isOtherPage) {
      scrollTo(0, 0);
      // The sign-in page puts the focus into its first field.
      if (this.route.page !== 'sign-in') queueMicrotask(() => document.getElementById('main')?.focus({ preventScroll: true }));
    }
  }

  #onClick(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/') || link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }
}

export const router = new Router();
