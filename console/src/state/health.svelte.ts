import { getHealth, type Health } from '../api/health';

/** The server's health, as several pages show it. */
class ServerHealth {
  value = $state.raw<Health | undefined>();
  error = $state<unknown>();
  /** When it was read last. */
  asOf = $state(0);
  #isBusy = false;

  async read(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      this.value = await getHealth();
      this.asOf = Date.now();
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
    this.#isBusy = false;
  }

  forget(): void {
    this.value = undefined;
    this.error = undefined;
  }
}

export const health = new ServerHealth();
