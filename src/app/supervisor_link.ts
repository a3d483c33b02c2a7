import { ChatError } from "../core/chat_error.ts";
import { Hangup } from "./hangup.ts";

/** What the supervisor writes to the serving process's stdin, a JSON line each. Its end means that the supervisor is gone. */
export type Order = { readonly listen: ListenOrder } | { readonly stop: string };

export interface ListenOrder {
  readonly port: number;
  /** Another process served here before this one. */
  readonly again: boolean;
}

/**
 * What a serving process ends with when it was refused what it needs to serve, and would be again: the supervisor then
 * ends too (EX_CONFIG of sysexits(3)).
 */
export const refusedExitCode = 78;

/** The only line that the serving process writes to its stdout. */
export interface Listening {
  readonly port: number;
}

/**
 * The serving process's side of its supervisor. Signals to this process alone ask it to stop, once or often: those from a
 * terminal, or to the whole group, reach the supervisor too, which decides about the second one, and about SIGHUP.
 */
export class SupervisorLink implements Disposable {
  readonly #orders: AsyncIterator<Order>;
  readonly #stop = Promise.withResolvers<string>();
  readonly #onSignal = new Map<Deno.Signal, () => void>();
  readonly #hangup = new Hangup(() => {});

  constructor(stdin: ReadableStream<Uint8Array> = Deno.stdin.readable) {
    this.#orders = readJsonLines(stdin) as AsyncGenerator<Order>;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const listener = () => this.#stop.resolve(signal);
      this.#onSignal.set(signal, listener);
      Deno.addSignalListener(signal, listener);
    }
  }

  /** Where to listen. @throws {ChatError} `unavailable` when no supervisor says it. */
  async listen(): Promise<ListenOrder> {
    const { value } = await this.#orders.next();
    if (value === undefined || !("listen" in value)) {
      throw new ChatError("unavailable", "No supervisor says what to do: leave --supervised away.");
    }
    void this.#obey();
    return value.listen;
  }

  /** Resolves with the reason when this process shall stop. */
  get stop(): Promise<string> {
    return this.#stop.promise;
  }

  /** Tells the supervisor that this process serves. */
  listening(port: number): void {
    console.log(JSON.stringify({ port } satisfies Listening));
  }

  [Symbol.dispose](): void {
    this.#hangup[Symbol.dispose]();
    for (const [signal, listener] of this.#onSignal) Deno.removeSignalListener(signal, listener);
  }

  async #obey(): Promise<void> {
    const { value } = await this.#orders.next();
    this.#stop.resolve(value !== undefined && "stop" in value ? value.stop : "the supervisor is gone");
  }
}

/** Values of a stream of JSON lines, until it ends or breaks. */
export async function* readJsonLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<unknown, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}
