import { BareConsumer, BarePublisher } from "./bare_queue.ts";
import type { BenchBroker, StartedBroker } from "./bench_broker.ts";
import { putStamp, readStamp, stampNow, unstampedBytes } from "../driver/stamps.ts";
import { Failure } from "./failure.ts";
import type { BenchSystem, ConnectionEvents, MeasuredProcesses, Sender, StartedSystem } from "./system.ts";

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

const blank = unstampedBytes();

class StartedBareAmqp implements StartedSystem {
  readonly processes: MeasuredProcesses;
  readonly failed: Promise<never>;
  readonly postponed = 0;
  readonly #broker: StartedBroker;
  readonly #connections = new AsyncDisposableStack();
  readonly #failure = new Failure();

  constructor(broker: StartedBroker) {
    this.processes = { broker: broker.pid };
    this.failed = this.#failure.or(new Promise<never>(() => {}));
    this.#broker = broker;
  }

  async connectPair({ onDelivered, onAccepted }: ConnectionEvents): Promise<Sender> {
    const { queue } = await this.#consume((bytes) => onDelivered(readStamp(bytes, 0)));
    const publisher = this.#connections.use(await BarePublisher.open(this.#options("publisher")));
    const onConfirmed = () => onAccepted(1);
    const onFailed = (error: unknown) => this.#failure.set(error);
    return {
      send(count) {
        const stamp = stampNow();
        for (let left = count; left > 0; left--) {
          // amqplib keeps the bytes until it writes them.
          const message = blank.slice();
          putStamp(message, 0, stamp);
          publisher.publish(queue, message).then(onConfirmed, onFailed);
        }
        return stamp;
      },
    };
  }

  async connectIdle(): Promise<void> {
    await this.#consume(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure.ignore();
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
