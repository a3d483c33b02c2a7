import { SupervisorLink } from "../../host/supervisor/supervisor_link.ts";
import { BareStream, startBareRelay } from "./bare_relay.ts";
import type { OwnedResources, StartedProgram } from "./owned_resources.ts";
import { ageOf, stampedBytes } from "./stamped_bytes.ts";
import type { BenchSystem, MeasuredProcesses, Pair, StartedSystem } from "./system.ts";

/** The environment variables that grpc-js reads. */
const grpcVariables = [
  "GRPC_*",
  "grpc_proxy",
  "http_proxy",
  "https_proxy",
  "no_grpc_proxy",
  "no_proxy",
];

/** Runs a bare relay until the bench stops it: the process of `chatd bench --relay`. */
export async function runBareRelay(): Promise<void> {
  using link = new SupervisorLink();
  const relay = await startBareRelay(await link.listen());
  link.listening(relay.port);
  // The process ends with its connections: Deno 2.9.6 can crash when a server of `node:http2` closes them.
  await link.stop;
}

/** The limit of gRPC: the same library, connections and bytes, with only a relay between them. */
export class BareGrpc implements BenchSystem {
  readonly name = "bare-grpc";
  readonly #resources: OwnedResources;

  constructor(resources: OwnedResources) {
    this.#resources = resources;
  }

  async start(): Promise<StartedSystem> {
    const needs = { read: [], write: [], net: ["127.0.0.1"], env: grpcVariables };
    return new StartedRelay(await this.#resources.startProgram(["bench", "--relay"], needs));
  }
}

class StartedRelay implements StartedSystem {
  readonly processes: MeasuredProcesses;
  readonly failed: Promise<never>;
  readonly postponed = 0;
  readonly #program: StartedProgram;
  readonly #streams: BareStream[] = [];

  constructor(program: StartedProgram) {
    this.processes = { server: program.pid };
    this.failed = program.failed;
    this.#program = program;
  }

  async connectPair(delivered: (latencyMs: number) => void): Promise<Pair> {
    // The relay keeps the order and confirms nothing: the receiver resolves the sends of its sender.
    const sent = new SentInOrder();
    const receiver = await this.#open({
      onBytes: (bytes) => {
        delivered(ageOf(bytes));
        sent.shift();
      },
    });
    const { stream } = await this.#open({ to: receiver.name, onBytes: () => {} });
    return {
      send: () => {
        stream.write(stampedBytes());
        return sent.push();
      },
    };
  }

  async connectIdle(): Promise<void> {
    await this.#open({ onBytes: () => {} });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The relay ends first: a client of `node:http2` that disconnects can crash it.
    await this.#program[Symbol.asyncDispose]();
    for (const stream of this.#streams) stream.close();
  }

  async #open(
    options: { to?: string; onBytes(bytes: Uint8Array): void },
  ): Promise<{ name: string; stream: BareStream }> {
    const name = `${this.#streams.length}-${crypto.randomUUID()}`;
    const stream = await BareStream.open({ port: this.#program.port, name, ...options });
    this.#streams.push(stream);
    return { name, stream };
  }
}

/** The messages in flight from one sender to one receiver. */
class SentInOrder {
  #waiting: (() => void)[] = [];
  #first = 0;

  push(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  shift(): void {
    this.#waiting[this.#first++]();
    if (this.#first < 1_024) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}
