import { getWaveform, type ContactRecord } from '../api/tympan';
import { phone } from '../format/quantity';
import { Player } from './player.svelte';

/** How much of the end is played: 10 s. */
const SAMPLES = 10 * 8_000;

/** The end of a contact's sound, from a list; one at a time. */
export class LastSeconds {
  /** The contact; empty where none was asked for. */
  id = $state('');
  name = $state('');
  error = $state<unknown>();
  notice = $state('');
  #player = $state.raw<Player | undefined>();
  #turn = 0;

  get isOn(): boolean {
    return this.#player?.isOn ?? false;
  }

  /** Plays the end of a contact; of the one that plays, stops it. */
  async toggle(contact: ContactRecord): Promise<void> {
    const isPlaying = this.id === contact.ContactId && this.isOn;
    this.stop();
    if (isPlaying) return;
    const turn = ++this.#turn;
    this.id = contact.ContactId;
    this.name = phone(contact.CustomerEndpoint?.Address);
    if (!contact.Recordings?.length) {
      this.notice = 'it has no stream.';
      return;
    }
    const player = new Player(contact.ContactId, () => turn === this.#turn && this.#end(player));
    this.#player = player;
    try {
      const { Samples } = await getWaveform(contact.ContactId, 1);
      if (turn !== this.#turn) return;
      player.shape({ samples: Samples, isGrowing: false, skips: [] });
      if (Samples === 0) this.notice = 'nothing of it is kept.';
      else await player.play(Samples - SAMPLES);
    } catch (error) {
      if (turn === this.#turn) this.error = error;
    }
  }

  stop(): void {
    this.#turn++;
    this.#player?.close();
    this.#player = undefined;
    this.id = '';
    this.error = undefined;
    this.notice = '';
  }

  /** It has ended by itself: what is shown goes with it, but for why there was no sound. */
  #end(player: Player): void {
    const { error } = player;
    if (!error) return this.stop();
    this.error = error;
    player.close();
  }
}
