/** Starts the process under attack and watches how it ends. */
import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { startDeadlineMs } from "../support/waiting/deadlines.ts";
import type { BaselineOptions } from "./baseline_server.ts";
import type { Certificates, KeyPair } from "./certificates.ts";
import type { Target, Transport } from "./target.ts";

/** What to attack. {@link baselineVictim} is one; the real server is another. */
export interface Victim {
  name: string;
  command(transport: Transport, certificates: Certificates): { program: string; args: string[]; cwd?: string };
  /** The port, once a line of standard output tells it. */
  portFrom(line: string): number | undefined;
  unaryPath: string;
  streamPath: string;
  streamOpening: readonly Uint8Array[];
  /** Throws unless a good client is served. */
  probe(running: RunningVictim, deadline: Date): Promise<void>;
  /** Makes the victim dial a port of 127.0.0.1, if it can; resolves when it is done with that port. */
  makeDial?(running: RunningVictim, port: number, deadline: Date): Promise<void>;
  /** What a server that the victim dials has to show, over any transport; as the transport has it unless given. */
  dialledIdentity?: KeyPair;
}

export interface End {
  code: number | null;
  signal: string | null;
  lastStderr: string;
}

export interface RunningVictim {
  target: Target;
  pid: number;
  /** Undefined while it lives. */
  readonly end: End | undefined;
  ended: Promise<End>;
  /** Resident memory in MiB. */
  memory(): number;
  client(): grpc.Client;
  stop(): Promise<void>;
}

const identity = (value: Buffer) => value;

export function callUnary(client: grpc.Client, path: string, request: Uint8Array, deadline: Date): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      identity,
      identity,
      Buffer.from(request),
      { deadline },
      (error, reply) => error ? reject(error) : resolve(reply as Buffer),
    );
  });
}

export interface BaselineVictimOptions {
  /** Default: the running one. */
  deno?: string;
  /** Let uncaught JavaScript errors end the process. Default: they are logged, so that only native faults count. */
  unguarded?: boolean;
  /** Collect garbage all the time, which brings out early frees in native code. */
  collecting?: boolean;
}

export function baselineVictim(options: BaselineVictimOptions = {}): Victim {
  const script = fileURLToPath(new URL("./baseline_server.ts", import.meta.url));
  return {
    name: "baseline",
    command(transport, certificates) {
      const guarded = !options.unguarded;
      const collect = options.collecting ? ["--v8-flags=--expose-gc"] : [];
      const settings: BaselineOptions = transport === "plain" ? { guarded } : {
        guarded,
        authority: certificates.authority,
        certificate: certificates.server.certificate,
        key: certificates.server.key,
        mutual: transport === "mtls",
      };
      return {
        program: options.deno ?? Deno.execPath(),
        args: ["run", "--no-check", "--no-lock", "-A", ...collect, script, JSON.stringify(settings)],
      };
    },
    portFrom: (line) => line.startsWith("{") ? JSON.parse(line).port as number : undefined,
    unaryPath: "/crash.Baseline/Echo",
    streamPath: "/crash.Baseline/Flood",
    streamOpening: [],
    async probe(running, deadline) {
      const client = running.client();
      const reply = await callUnary(client, "/crash.Baseline/Echo", Buffer.from("still there?"), deadline)
        .finally(() => client.close());
      if (reply.toString() !== "still there?") throw new Error(`The victim echoed ${JSON.stringify(reply.toString())}`);
    },
    async makeDial(running, port, deadline) {
      const client = running.client();
      await callUnary(client, "/crash.Baseline/Dial", Buffer.from(String(port)), deadline).finally(() =>
        client.close()
      );
    },
  };
}

function channelCredentials(transport: Transport, certificates: Certificates): grpc.ChannelCredentials {
  if (transport === "plain") return grpc.credentials.createInsecure();
  const mutual = transport === "mtls";
  return grpc.credentials.createSsl(
    Buffer.from(certificates.authority),
    mutual ? Buffer.from(certificates.client.key) : null,
    mutual ? Buffer.from(certificates.client.certificate) : null,
  );
}

function watchEnd(child: ChildProcess): { promise: Promise<End>; current(): End | undefined } {
  let end: End | undefined;
  const lines: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => {
    if (line.trim() !== "") lines.push(line.trim());
    if (lines.length > 30) lines.shift();
  });
  const promise = new Promise<End>((resolve) => {
    child.on("close", (code, signal) => {
      // A JS error's first line says more than the last of its stack.
      const telling = lines.findLast((line) => /assert|panicked|error[:(]|fatal/i.test(line)) ?? lines.at(-1) ?? "";
      end = { code, signal, lastStderr: telling };
      resolve(end);
    });
  });
  return { promise, current: () => end };
}

export async function startVictim(
  victim: Victim,
  transport: Transport,
  certificates: Certificates,
): Promise<RunningVictim> {
  const { program, args, cwd } = victim.command(transport, certificates);
  const env = { ...process.env, NO_COLOR: "1" };
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const watched = watchEnd(child);
  const port = await new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${victim.name} did not tell its port within ${startDeadlineMs} ms`));
    }, startDeadlineMs);
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const found = victim.portFrom(line);
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    watched.promise.then((end) => {
      clearTimeout(timer);
      reject(new Error(`${victim.name} ended before it served: ${JSON.stringify(end)}`));
    });
  });
  const { unaryPath, streamPath, streamOpening } = victim;
  return {
    target: { port, transport, certificates, unaryPath, streamPath, streamOpening },
    pid: child.pid!,
    get end() {
      return watched.current();
    },
    ended: watched.promise,
    memory() {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
        return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
      } catch {
        return 0;
      }
    },
    client: () =>
      new grpc.Client(`127.0.0.1:${port}`, channelCredentials(transport, certificates), {
        "grpc.ssl_target_name_override": "localhost",
        "grpc.use_local_subchannel_pool": 1,
      }),
    async stop() {
      child.kill("SIGKILL");
      await watched.promise;
    },
  };
}
