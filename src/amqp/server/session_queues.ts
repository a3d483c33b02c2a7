const prefix = "chatd.session.";

/** The owner of each live session's queue: the right to read a queue is decided by this alone. */
export class SessionQueues {
  readonly #owners = new Map<string, string>();

  /** Makes a name that cannot be guessed. The queue is the user's until {@link close}. */
  open(user: string): string {
    const name = `${prefix}${user}.${crypto.getRandomValues(new Uint8Array(16)).toHex()}`;
    this.#owners.set(name, user);
    return name;
  }

  /** Ends the right to read the queue. Idempotent. */
  close(name: string): void {
    this.#owners.delete(name);
  }

  ownerOf(name: string): string | undefined {
    return this.#owners.get(name);
  }

  get size(): number {
    return this.#owners.size;
  }
}
