import { getSession, signIn, signOut, whenSignedOut, type Credentials, type Session } from '../api/request';
import { router } from '../routing/router.svelte';
import { address, parameters, returnAddress } from '../routing/routes';
import { feed } from './feed.svelte';

const AGAIN_MS = 30_000;

/** Who is signed in, and how long the server takes to answer. */
class SignedIn {
  session = $state<Session | undefined>();
  isKnown = $state(false);
  /** Why the session ended, for the sign-in page. */
  ended = $state('');
  roundTrip = $state<number | undefined>();
  #back = '/';

  start(): void {
    whenSignedOut(() => this.#over('The session is over. Sign in to go on where you were.'));
    void this.#read();
    setInterval(() => {
      if (router.route.page !== 'sign-in') void this.#read();
    }, AGAIN_MS);
  }

  async #read(): Promise<void> {
    const begin = performance.now();
    try {
      const session = await getSession();
      this.roundTrip = Math.round(performance.now() - begin);
      this.session = session;
      feed.start();
    } catch (error) {
      const isRefused = error instanceof Error && 'status' in error && error.status === 401;
      if (isRefused) this.#over(this.session ? 'The session is over. Sign in to go on where you were.' : '');
      else this.roundTrip = undefined;
    } finally {
      this.isKnown = true;
    }
  }

  async signIn(credentials: Credentials): Promise<void> {
    await signIn(credentials);
    this.ended = '';
    await this.#read();
    router.go(this.#back, { replace: true });
    this.#back = '/';
  }

  async signOut(): Promise<void> {
    await signOut();
    this.#over('');
  }

  #over(why: string): void {
    feed.stop();
    this.session = undefined;
    this.isKnown = true;
    if (router.route.page === 'sign-in') {
      this.#back = returnAddress(new URLSearchParams(router.query).get('back'));
      return;
    }
    this.ended = why;
    // What stands behind `#` comes back too, and goes through no address on its way.
    const open = address(router.path, router.query);
    this.#back = returnAddress(address(router.path, router.query, router.fragment));
    router.go(address('/sign-in', parameters({ back: open === '/' ? undefined : open })), { replace: true });
  }
}

export const signedIn = new SignedIn();
