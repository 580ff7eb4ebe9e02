/** The values of a contact's attributes. They are read when they are to be shown, and each reading is a line of the audit file. */
export class AttributeValues {
  /** Those that are shown. */
  shown = $state.raw<ReadonlyMap<string, string>>(new Map());
  error = $state<unknown>();
  isBusy = $state(false);
  /** When they were read last. */
  at = $state<number | undefined>();

  constructor(private readonly read: () => Promise<Record<string, string>>) {}

  /** Shows the values of these names, as they are now, beside those that are shown. */
  async show(names: readonly string[]): Promise<void> {
    this.isBusy = true;
    try {
      const values = await this.read();
      const wanted = new Set([...this.shown.keys(), ...names]);
      this.shown = new Map(Object.entries(values).filter(([name]) => wanted.has(name)));
      this.at = Date.now();
      this.error = undefined;
    } catch (failure) {
      this.error = failure;
    } finally {
      this.isBusy = false;
    }
  }

  readonly hide = (): void => {
    this.shown = new Map();
  };
}
