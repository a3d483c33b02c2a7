import { ChatError } from "../../core/chat_error.ts";
import { Hangup } from "../hangup.ts";
import { LogOutput } from "../logging/log_output.ts";
import { RenewalOrders } from "./renewal_orders.ts";

/**
 * A line of JSON that the supervisor writes to the serving process's stdin. The end of stdin means that the supervisor
 * is gone.
 */
export type Order =
  | { readonly listen: ListenOrder }
  | { readonly stop: string }
  | { readonly ask: "alive" }
  | { readonly renew: "certificates" };

export interface ListenOrder {
  readonly port: number;
  /** Another process of this server served before this one. */
  readonly again: boolean;
}

/** A line of JSON that the serving process writes to its stdout: that it listens, or a sign of life for each question. */
export type Report = Listening | { readonly alive: true };

/** A process that is ready for clients. */
export interface Listening {
  /** The port of its first transport. */
  readonly port: number;
  /** It stands by, and refuses clients, because another process serves. */
  readonly isStandby: boolean;
}

/**
 * The serving process's connection to its supervisor. Any number of signals ask this process to stop: signals from a
 * terminal, or to the whole process group, reach the supervisor too, which handles the second one and SIGHUP.
 */
export class SupervisorLink implements Disposable {
  readonly renewals: RenewalOrders = new RenewalOrders();
  readonly #orders: AsyncGenerator<unknown, void>;
  readonly #reports = new LogOutput(Deno.stdout);
  readonly #stop = Promise.withResolvers<string>();
  readonly #onSignal = new Map<Deno.Signal, () => void>();
  readonly #hangup = new Hangup(() => {});

  constructor(stdin: ReadableStream<Uint8Array> = Deno.stdin.readable) {
    this.#orders = readJsonLines(stdin);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const listener = () => this.#stop.resolve(signal);
      this.#onSignal.set(signal, listener);
      Deno.addSignalListener(signal, listener);
    }
  }

  /** Reads the order to listen. @throws {ChatError} `unavailable` when no supervisor gives it */
  async listen(): Promise<ListenOrder> {
    const { value } = await this.#orders.next();
    const order = value as Order | undefined;
    if (order === undefined || !("listen" in order)) {
      throw new ChatError("unavailable", "--supervised needs a supervisor, and none is there: start chatd without it.");
    }
    void this.#followOrders();
    return order.listen;
  }

  /** Resolves with the reason when this process must stop. */
  get stop(): Promise<string> {
    return this.#stop.promise;
  }

  /** Reports to the supervisor that this process is ready for clients. */
  listening(listening: Listening): void {
    this.#report(listening);
  }

  [Symbol.dispose](): void {
    this.#hangup[Symbol.dispose]();
    for (const [signal, listener] of this.#onSignal) Deno.removeSignalListener(signal, listener);
  }

  async #followOrders(): Promise<void> {
    for await (const order of this.#orders as AsyncGenerator<Order>) {
      if ("stop" in order) this.#stop.resolve(order.stop);
      if ("ask" in order) this.#report({ alive: true });
      if ("renew" in order) this.renewals.give();
    }
    this.#stop.resolve("the supervisor is gone");
  }

  #report(report: Report): void {
    this.#reports.write(JSON.stringify(report));
  }
}

/**
 * Yields the values of a stream of JSON lines until it ends or breaks. Other lines, which a library may print, are
 * skipped.
 */
export async function* readJsonLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<unknown, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const value = parseLine(line);
      if (typeof value === "object" && value !== null) yield value;
    }
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
