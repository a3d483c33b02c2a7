/** The users that are online, as far as the server tells. */
export class Presence {
  readonly #online = new Set<string>();
  /** Users that were online when the connection was lost. They are not announced again if they still are. */
  readonly #before = new Set<string>();

  /** @returns whether the person should hear of it. */
  heard(user: string, isOnline: boolean): boolean {
    const wasOnline = this.#online.has(user) || this.#before.has(user);
    this.#before.delete(user);
    if (isOnline) this.#online.add(user);
    else this.#online.delete(user);
    return wasOnline !== isOnline;
  }

  isOnline(user: string): boolean {
    return this.#online.has(user);
  }

  /** The connection was lost; the next session tells everything anew. */
  disconnected(): void {
    for (const user of this.#online) this.#before.add(user);
    this.#online.clear();
  }
}
