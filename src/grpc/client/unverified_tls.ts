/**
 * TLS to a server whose certificate is not verified: only for requests without secrets and responses without
 * consequences. The options of chat clients cannot hold it.
 */
export class UnverifiedTls {
  // Private, so that no other object has this type.
  readonly #serverName: string;

  constructor(serverName: string) {
    this.#serverName = serverName;
  }

  /** The server name to request. */
  get serverName(): string {
    return this.#serverName;
  }
}
