import { Http2Pipe } from "../driver/http2_pipe.ts";
import type { Pipe } from "../driver/pipe.ts";
import { putStamp, readStamp, stampNow, unstampedBytes } from "../driver/stamps.ts";
import { encodeNames, relayPath } from "../relays/relay.ts";
import type { RelayKind } from "../relays/run_relay.ts";
import type { SystemName } from "../result.ts";
import { Failure } from "./failure.ts";
import type { OwnedResources, StartedProgram } from "./owned_resources.ts";
import type { BenchSystem, ConnectionEvents, MeasuredProcesses, Sender, StartedSystem } from "./system.ts";

/** The environment variables that grpc-js reads. */
const grpcVariables = [
  "GRPC_*",
  "grpc_proxy",
  "http_proxy",
  "https_proxy",
  "no_grpc_proxy",
  "no_proxy",
];

/** A limit of gRPC: the same driver and bytes, with only a relay between the users. */
export class RelaySystem implements BenchSystem {
  readonly name: SystemName;
  readonly #kind: RelayKind;
  readonly #resources: OwnedResources;

  constructor(options: { name: SystemName; kind: RelayKind; resources: OwnedResources }) {
    this.name = options.name;
    this.#kind = options.kind;
    this.#resources = options.resources;
  }

  async start(): Promise<StartedSystem> {
    const needs = { read: [], write: [], net: ["127.0.0.1"], env: grpcVariables, sys: ["statfs"] };
    const flag = this.#kind === "grpc" ? "--relay" : "--socket-relay";
    return new StartedRelay(await this.#resources.startProgram(["bench", flag], needs));
  }
}

class StartedRelay implements StartedSystem {
  readonly processes: MeasuredProcesses;
  readonly failed: Promise<never>;
  readonly postponed = 0;
  readonly #program: StartedProgram;
  readonly #pipes: Pipe[] = [];
  readonly #failure = new Failure();

  constructor(program: StartedProgram) {
    this.processes = { server: program.pid };
    this.failed = this.#failure.or(program.failed);
    this.#program = program;
  }

  async connectPair({ onDelivered, onAccepted }: ConnectionEvents): Promise<Sender> {
    const receiver = await this.#open({
      onMessage: (bytes, from) => onDelivered(readStamp(bytes, from)),
      onConfirmed: () => {},
    });
    const { pipe } = await this.#open({ to: receiver.name, onMessage: () => {}, onConfirmed: () => onAccepted(1) });
    const message = unstampedBytes();
    return {
      send(count) {
        const stamp = stampNow();
        putStamp(message, 0, stamp);
        for (let left = count; left > 0; left--) pipe.send(message);
        return stamp;
      },
    };
  }

  async connectIdle(): Promise<void> {
    await this.#open({ onMessage: () => {}, onConfirmed: () => {} });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure.ignore();
    // The relay ends first: a client of `node:http2` that disconnects can crash it.
    await this.#program[Symbol.asyncDispose]();
    await Promise.all(this.#pipes.map((pipe) => pipe.close()));
  }

  /** Opens a stream; resolves when the relay has registered it. */
  async #open({ to, onMessage, onConfirmed }: StreamOptions): Promise<{ name: string; pipe: Pipe }> {
    const name = `${this.#pipes.length}-${crypto.randomUUID()}`;
    const ready = Promise.withResolvers<void>();
    let isReady = false;
    const confirm = () => {
      if (isReady) return onConfirmed();
      isReady = true;
      ready.resolve();
    };
    const pipe = await Http2Pipe.open({
      host: "127.0.0.1",
      port: this.#program.port,
      path: relayPath,
      onMessage: (bytes, from, to) => from === to ? confirm() : onMessage(bytes, from),
      onLost: (error) => {
        ready.reject(error);
        this.#failure.set(error);
      },
    });
    this.#pipes.push(pipe);
    pipe.send(encodeNames({ name, to }));
    await ready.promise;
    return { name, pipe };
  }
}

interface StreamOptions {
  readonly to?: string;
  onMessage(bytes: Uint8Array, from: number): void;
  onConfirmed(): void;
}
