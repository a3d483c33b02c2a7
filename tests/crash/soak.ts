/**
 * Lets connections of all kinds come and go for MINUTES, while two users chat, prints the memory of the server each
 * minute, and says whether it grew:
 *
 *     deno run -A tests/crash/soak.ts MINUTES
 *
 * Exits with 1 when it grew by more than 100 octets of heap, or outside of it, or 1 KiB of resident memory for each
 * connection.
 */
import process from "node:process";
import { ChatClient } from "../../src/client/chat_client.ts";
import { GrpcTransport } from "../../src/grpc/client/client_transport.ts";
import { createCertificates } from "./certificates.ts";
import { MeasuredProcess } from "./measured_process.ts";
import type { MeasuredServers } from "./measured_server.ts";
import { memoryGrowth, showMemory } from "./memory.ts";
import { visitMany } from "./visit_many.ts";
import { visitKinds } from "./visits.ts";

const maxBytes = 100;
const maxResidentBytes = 1_024;
/** Enough for the sessions of an hour: a user may begin two a second. */
const users = 1_000;
/** Connections of one kind, before those of the next one. */
const visits = 200;
const messagePauseMs = 50;

/** Two users who write to each other all the time. */
class Conversation implements AsyncDisposable {
  readonly #stopped = new AbortController();
  readonly #clients: readonly ChatClient[];
  readonly #running: Promise<unknown>;
  sent = 0;
  received = 0;

  constructor({ ports, tokens }: MeasuredServers) {
    const transport = new GrpcTransport({ host: "127.0.0.1", port: ports.plain, callback: false });
    const onEvent = ({ kind }: { kind: string }) => {
      if (kind === "message") this.received++;
    };
    this.#clients = tokens.slice(0, 2).map((token) => new ChatClient({ transport, token, client: "soak", onEvent }));
    const { signal } = this.#stopped;
    this.#running = Promise.all([
      ...this.#clients.map((client) => client.run({ signal })),
      ...this.#clients.map((client, index) => this.#write(client, `visitor-${1 - index}`)),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #write(client: ChatClient, to: string): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await client.send(to, "Is it flat?").then(() => this.sent++, () => {});
      await new Promise((resolve) => setTimeout(resolve, messagePauseMs));
    }
  }
}

const minutes = Number(process.argv[2]);
if (!(minutes > 0)) throw new RangeError("Say for how many minutes: deno run -A tests/crash/soak.ts 20");
const { server } = await createCertificates();
await using measured = await MeasuredProcess.start({ identity: server, users });
await using conversation = new Conversation(measured.servers);
/** Without the two users who chat: a session takes the place of another one of the same device. */
const visited = { ...measured.servers, tokens: measured.servers.tokens.slice(2) };
let connections = 0;

async function visitFor(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  for (let turn = 0; performance.now() < end; turn++) {
    await visitMany(visitKinds[turn % visitKinds.length], { servers: visited, count: visits, from: connections });
    connections += visits;
  }
}

const steps = Math.max(Math.ceil(minutes), 4);
const warmUpSteps = Math.ceil(steps / 4);
let first = { memory: await measured.memory({ open: 2 }), connections };
let last = first;
for (let step = 1; step <= steps; step++) {
  await visitFor(minutes * 60_000 / steps);
  last = { memory: await measured.memory({ open: 2 }), connections };
  if (step === warmUpSteps) first = last;
  const { sent, received } = conversation;
  console.log(`${connections} connections, ${sent} messages, ${received} read: ${showMemory(last.memory)}`);
}
const growth = memoryGrowth(first.memory, last.memory);
const since = last.connections - first.connections;
const isFlat = Math.max(growth.heap, growth.external) < maxBytes * since && growth.rss < maxResidentBytes * since;
console.log(`${isFlat ? "Flat" : "It grew"}: ${showMemory(growth)} more after ${since} more connections`);
process.exitCode = isFlat ? 0 : 1;
