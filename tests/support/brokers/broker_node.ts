/** Where a node of RabbitMQ is, and the login of its internal user, which the server logs in with. */
export interface NodeAddress {
  readonly user: string;
  readonly password: string;
  readonly amqpPort: number;
  readonly managementPort: number;
}

/** A running node of RabbitMQ, as its clients see it. */
export class BrokerNode {
  readonly #address: NodeAddress;

  constructor(address: NodeAddress) {
    this.#address = address;
  }

  get user(): string {
    return this.#address.user;
  }

  get password(): string {
    return this.#address.password;
  }

  get amqpPort(): number {
    return this.#address.amqpPort;
  }

  /** Returns the URL with a login; that of the internal user unless given. */
  amqpUrl(user: string = this.user, password: string = this.password): string {
    return `amqp://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${this.amqpPort}`;
  }

  /** The URL of the management plugin, without a login. */
  get managementUrl(): string {
    return `http://127.0.0.1:${this.#address.managementPort}`;
  }

  /** Calls the management plugin as the internal user. @returns the parsed answer, undefined when it is empty */
  async manage<T>(method: string, path: string, body?: unknown): Promise<T | undefined> {
    const headers = { authorization: `Basic ${btoa(`${this.user}:${this.password}`)}` };
    const url = `${this.managementUrl}/api/${path}`;
    const response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text) as T;
  }
}
