/** Plays one short sound at a time, from its beginning. */
export class PromptPlayer {
  /** What is fetched or heard. */
  id = $state('');
  isHeard = $state(false);
  /** Why the sound of `failed` was not played. */
  error = $state<unknown>();
  failed = $state('');
  #context: AudioContext | undefined;
  #source: AudioBufferSourceNode | undefined;
  #turn = 0;

  /** Plays it; stops it where it is played. */
  async toggle(id: string, read: () => Promise<ArrayBuffer>): Promise<void> {
    const isOn = this.id === id;
    this.stop();
    this.error = undefined;
    if (isOn) return;
    const turn = this.#turn;
    this.id = id;
    // A page may only begin sound while a button is pressed.
    this.#context ??= new AudioContext();
    const context = this.#context;
    try {
      await context.resume();
      const sound = await context.decodeAudioData(await read());
      if (turn !== this.#turn) return;
      this.#source = context.createBufferSource();
      this.#source.buffer = sound;
      this.#source.connect(context.destination);
      this.#source.onended = () => turn === this.#turn && this.stop();
      this.#source.start();
      this.isHeard = true;
    } catch (failure) {
      if (turn !== this.#turn) return;
      this.stop();
      this.failed = id;
      this.error = failure;
    }
  }

  stop(): void {
    this.#turn++;
    this.#source?.stop();
    this.#source = undefined;
    this.id = '';
    this.isHeard = false;
  }

  /** The page goes away. */
  close(): void {
    this.stop();
    void this.#context?.close();
    this.#context = undefined;
  }
}
