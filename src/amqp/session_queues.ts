const prefix = "chatd.session.";

/** Which queue belongs to whom, of the sessions that live now: who may read what is decided by this alone. */
export class SessionQueues {
  readonly #owners = new Map<string, string>();

  /** Makes a name that nobody can guess. The queue is the user's until {@link close}. */
  open(user: string): string {
    const name = `${prefix}${user}.${crypto.getRandomValues(new Uint8Array(16)).toHex()}`;
    this.#owners.set(name, user);
    return name;
  }

  /** From now on nobody may read the queue. Idempotent. */
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
