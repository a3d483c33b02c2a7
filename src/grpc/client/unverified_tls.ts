/**
 * TLS with a server whose certificate is not verified: for questions without a secret, and answers without
 * consequences. The options of chat clients have no place for it.
 */
export class UnverifiedTls {
  // Private, so that no other object has this type.
  readonly #serverName: string;

  constructor(serverName: string) {
    this.#serverName = serverName;
  }

  /** The name that the server is asked for. */
  get serverName(): string {
    return this.#serverName;
  }
}
