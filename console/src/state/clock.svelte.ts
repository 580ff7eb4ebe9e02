import { localZone } from '../format/time';

/** The time of this browser, once a second while the page is seen. */
class Clock {
  now = $state(Date.now());
  readonly zone = localZone();

  start(): void {
    setInterval(() => {
      if (!document.hidden) this.now = Date.now();
    }, 1000);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.now = Date.now();
    });
  }
}

export const clockNow = new Clock();
