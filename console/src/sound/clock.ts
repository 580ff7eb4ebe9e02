/** How far the clock of the server is from the one of this machine, from questions that were answered soonest. */
export class ServerClock {
  offsetMicros = 0;
  #best = Infinity;
  #asked = 0;
  readonly #sent = new Map<number, number>();

  /** The first word of the server: right to the time that it took to come. */
  begin(serverMicros: number, nowMs: number): void {
    this.offsetMicros = serverMicros - nowMs * 1_000;
    this.#best = Infinity;
  }

  /** A question. */
  ask(nowMs: number): string {
    const id = this.#asked++;
    this.#sent.set(id, nowMs);
    if (this.#sent.size > 16) this.#sent.delete(id - 16);
    // A round trip is forgotten after a while: clocks move apart.
    this.#best += 0.2;
    return JSON.stringify({ Type: 'Ping', Id: id });
  }

  /** Its answer: the server read its clock half-way. */
  answer(id: number, serverMicros: number, nowMs: number): void {
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    this.#sent.delete(id);
    const roundTrip = nowMs - sent;
    if (roundTrip > this.#best) return;
    this.#best = roundTrip;
    this.offsetMicros = serverMicros - (sent + roundTrip / 2) * 1_000;
  }
}
