/**
 * Two gRPC servers, without and with TLS, whose process tells its memory. Run with `--v8-flags=--expose-gc` and a JSON
 * object {@link MeasuredServerOptions}. Prints a {@link MeasuredServers} when it serves. Each line that it reads is a
 * number: it prints a {@link Memory}, after the garbage is collected, once no more connections are open.
 */
import { openChat } from "../../src/app/open_chat.ts";
import { silentLog } from "../../src/core/log.ts";
import { standardLimits } from "../../src/grpc/server/connection_guard.ts";
import type { GrpcServer } from "../../src/grpc/server/serve_calls.ts";
import { type GrpcServerOptions, startGrpcServer } from "../../src/grpc/server/server.ts";
import { defer } from "../../src/host/defer.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { FakeHasher } from "../support/fakes/fake_hasher.ts";
import type { KeyPair } from "./certificates.ts";
import type { Memory } from "./memory.ts";

export interface MeasuredServerOptions {
  /** The data folder. */
  folder: string;
  /** Accounts to make. */
  users: number;
  identity: KeyPair;
}

export interface MeasuredServers {
  ports: { plain: number; tls: number };
  /** A token of each user. */
  tokens: string[];
}

/** Lets a test visit as fast as it can. */
const boundless = { burst: 1e9, perSecond: 1e9, debt: 1e9 };
const limits = {
  connectionLimits: {
    ...standardLimits,
    maxStrangers: 1e6,
    maxStrangersPerAddress: 1e6,
    maxPerUser: 1e6,
    rate: { perAddress: boundless, inAll: boundless },
  },
  strangers: { perAddress: boundless, inAll: boundless, callsBeyond: 1e9 },
} satisfies Partial<GrpcServerOptions>;
/** Longer than any deadline for a connection. */
const closeDeadlineMs = 60_000;
/** Rounds of collecting: finalizers and callbacks of closed handles run in turns of the event loop between them. */
const collections = 4;

async function serve({ folder, users, identity }: MeasuredServerOptions): Promise<void> {
  const { chat } = openChat({
    folder,
    registration: "open",
    rate: { perSecond: 1e6, burst: 1e6 },
    log: silentLog,
    hasher: new FakeHasher(),
  });
  const tokens: string[] = [];
  for (let user = 0; user < users; user++) {
    const account = { user: `visitor-${user}`, password: "correct horse", invite: "", deviceName: "" };
    // Another address each: registrations from one are bounded.
    tokens.push((await chat.accounts.register({ ...account, address: `10.0.${user >> 8}.${user & 255}` })).token);
  }
  const pem = (text: string) => new TextEncoder().encode(text);
  const tls = { certificate: pem(identity.certificate), key: pem(identity.key) };
  const options = { chat, log: silentLog, server: "measured", listen: { host: "127.0.0.1", port: 0 }, defer };
  const plain = await startGrpcServer({ ...options, ...limits });
  const encrypted = await startGrpcServer({ ...options, ...limits, tls });
  tell({ ports: { plain: plain.port, tls: encrypted.port }, tokens } satisfies MeasuredServers);
  for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    tell(await measure([plain, encrypted], Number(line)));
  }
  Deno.exit(0);
}

async function measure(servers: readonly GrpcServer[], maxOpen: number): Promise<Memory> {
  const open = () => servers.reduce((sum, { connections }) => sum + connections, 0);
  await eventually(() => open() <= maxOpen, () => `${open()} connections are open`, closeDeadlineMs);
  const { gc } = globalThis as unknown as { gc(): void };
  for (let round = 0; round < collections; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { heap: heapUsed, external, rss };
}

function tell(value: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}

if (import.meta.main) await serve(JSON.parse(Deno.args[0]) as MeasuredServerOptions);
