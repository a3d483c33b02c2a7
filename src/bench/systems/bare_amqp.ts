import { BareConsumer, BarePublisher } from "./bare_queue.ts";
import type { BenchBroker, StartedBroker } from "./bench_broker.ts";
import { ageOf, stampedBytes } from "./stamped_bytes.ts";
import type { BenchSystem, MeasuredProcesses, Pair, StartedSystem } from "./system.ts";

/**
 * The limit of RabbitMQ: a queue in memory for each receiver, publisher confirms, and no server between the clients.
 */
export class BareAmqp implements BenchSystem {
  readonly name = "bare-amqp";
  readonly #broker: BenchBroker;

  constructor(broker: BenchBroker) {
    this.#broker = broker;
  }

  async start(): Promise<StartedSystem> {
    return new StartedBareAmqp(await this.#broker.start());
  }
}

class StartedBareAmqp implements StartedSystem {
  readonly processes: MeasuredProcesses;
  readonly failed = new Promise<never>(() => {});
  readonly postponed = 0;
  readonly #broker: StartedBroker;
  readonly #connections = new AsyncDisposableStack();

  constructor(broker: StartedBroker) {
    this.processes = { broker: broker.pid };
    this.#broker = broker;
  }

  async connectPair(delivered: (latencyMs: number) => void): Promise<Pair> {
    const { queue } = await this.#consume((bytes) => delivered(ageOf(bytes)));
    const publisher = this.#connections.use(await BarePublisher.open(this.#options("publisher")));
    return { send: () => publisher.publish(queue, stampedBytes()) };
  }

  async connectIdle(): Promise<void> {
    await this.#consume(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections.disposeAsync();
  }

  async #consume(onBytes: (bytes: Uint8Array) => void): Promise<BareConsumer> {
    return this.#connections.use(await BareConsumer.open({ ...this.#options("consumer"), onBytes }));
  }

  #options(name: string) {
    const { address, login } = this.#broker;
    return { broker: address, login, name: `bench ${name}` };
  }
}
