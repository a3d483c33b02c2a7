const prefix = "chatd.session.";

/** Owners of the queues of live sessions. A user may read exactly the queues that they own. */
export class SessionQueues {
  readonly #owners = new Map<string, string>();

  /** Creates a name that cannot be guessed. The user owns the queue until {@link close}. */
  open(user: string): string {
    const name = `${prefix}${user}.${crypto.getRandomValues(new Uint8Array(16)).toHex()}`;
    this.#owners.set(name, user);
    return name;
  }

  /** Ends the ownership of a queue. Idempotent. */
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
