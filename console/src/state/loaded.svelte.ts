/** What a page reads, with the error of the last attempt. Old values stay while they are read again. */
export class Loaded<T> {
  value = $state.raw<T | undefined>();
  error = $state<unknown>();
  /** When it was read last. */
  at = $state<number | undefined>();
  #turn = 0;

  /** Reads; an answer that comes after that of a later question is passed over. */
  async read(make: () => Promise<T>): Promise<void> {
    const turn = ++this.#turn;
    try {
      const value = await make();
      if (turn !== this.#turn) return;
      this.value = value;
      this.error = undefined;
      this.at = Date.now();
    } catch (failure) {
      if (turn === this.#turn) this.error = failure;
    }
  }
}

/** A change that is under way, with the error that it ended in. */
export class Saving {
  isBusy = $state(false);
  error = $state<unknown>();

  /** Runs it; true where it was done. */
  async run(change: () => Promise<unknown>): Promise<boolean> {
    this.isBusy = true;
    this.error = undefined;
    try {
      await change();
      return true;
    } catch (failure) {
      this.error = failure;
      return false;
    } finally {
      this.isBusy = false;
    }
  }
}
