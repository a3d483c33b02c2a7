import type { BrokerAddress, BrokerLogin } from "../../amqp/connection/broker_address.ts";
import { ChatError } from "../../core/chat_error.ts";
import { freePorts } from "./free_ports.ts";
import type { OwnedResources } from "./owned_resources.ts";
import { findServer, PrivateBroker } from "./private_broker.ts";

/** A broker for all runs, because starting one takes many seconds. */
export interface StartedBroker {
  readonly address: BrokerAddress;
  /** The internal user of the broker. */
  readonly login: BrokerLogin;
  readonly pid: number;
  readonly managementUrl: string;
  /** The port where the broker asks for authorization. */
  readonly authPort: number;
  /** The file with the password of a server on this broker. */
  readonly passwordFile: string;
  readonly secretFile: string;
}

/** The bench's private RabbitMQ node, started at its first use. */
export class BenchBroker {
  readonly #resources: OwnedResources;
  #starting: Promise<StartedBroker> | undefined;

  constructor(resources: OwnedResources) {
    this.#resources = resources;
  }

  /**
   * Starts the broker, or returns the running one.
   * @throws {ChatError} `not_found` where RabbitMQ is not installed; `unavailable` when it does not start
   */
  start(): Promise<StartedBroker> {
    return this.#starting ??= this.#start();
  }

  async #start(): Promise<StartedBroker> {
    requireInstalled();
    const folder = await this.#resources.folder();
    await Deno.mkdir(folder);
    const secret = crypto.randomUUID();
    const [authPort] = await freePorts(1);
    // When the bench is interrupted during the start, the guard of the broker ends it with this process.
    const broker = await PrivateBroker.start({ authUrl: `http://127.0.0.1:${authPort}/${secret}` });
    this.#resources.use(broker);
    const [passwordFile, secretFile] = [`${folder}/password`, `${folder}/secret`];
    await Deno.writeTextFile(passwordFile, broker.password, { mode: 0o600 });
    await Deno.writeTextFile(secretFile, secret, { mode: 0o600 });
    return {
      address: { tls: false, host: "127.0.0.1", port: broker.amqpPort, vhost: "/" },
      login: { user: broker.user, password: broker.password },
      pid: broker.pid,
      managementUrl: broker.managementUrl,
      authPort,
      passwordFile,
      secretFile,
    };
  }
}

function requireInstalled(): void {
  try {
    findServer();
  } catch (error) {
    if (error instanceof ChatError) throw new ChatError("not_found", error.message, { cause: error });
    throw error;
  }
}
