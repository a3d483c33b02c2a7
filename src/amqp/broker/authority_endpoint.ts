import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { ChatError } from "../../core/chat_error.ts";
import { listenReason } from "../../core/system_error.ts";
import type { Log } from "../../core/log.ts";
import type { BrokerAuthority, Decision } from "./broker_authority.ts";

export interface AuthorityEndpointOptions {
  readonly authority: Pick<BrokerAuthority, "decide">;
  /** First segment of every path; without it, any local process could try passwords here. */
  readonly secret: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly log: Log;
  /** Connections that have not sent the secret; a further one closes the oldest. 256 unless given. */
  readonly maxConnections?: number;
  /** Time for a question to arrive, in milliseconds; 5000 unless given. */
  readonly arrivalTimeoutMs?: number;
}

/**
 * Answers the questions of RabbitMQ's HTTP backend. Every connection closes after its answer: on a persistent one,
 * RabbitMQ would queue questions behind slow logins. Closed by its opener.
 */
export interface AuthorityEndpoint {
  /** The port in use. */
  readonly port: number;
  /** Aborts questions in progress. Idempotent. */
  close(): Promise<void>;
}

/** Large enough for names, a password and an address. */
const maxBodyBytes = 8 * 1024;
/** RabbitMQ accepts only these bodies. */
const bodies: Readonly<Record<Decision, string>> = { allow: "allow", deny: "deny", busy: "allow busy" };
const denials: Readonly<Record<Decision, string>> = { allow: "allow", deny: "deny", busy: "deny" };

/** Starts listening. @throws {ChatError} `unavailable` when the address cannot be used */
export async function startAuthorityEndpoint(options: AuthorityEndpointOptions): Promise<AuthorityEndpoint> {
  const { maxConnections = 256, arrivalTimeoutMs = 5_000 } = options;
  const server = createServer({
    headersTimeout: arrivalTimeoutMs,
    requestTimeout: arrivalTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, arrivalTimeoutMs),
    maxHeaderSize: 8 * 1024,
  });
  const strangers = new Strangers(maxConnections);
  server.on("connection", (socket) => strangers.add(socket));
  const expected = digest(options.secret);
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    void answer(request, response, { ...options, expected, onProven: () => strangers.forget(request.socket) });
  });
  const port = await listen(server, options.listen);
  let closed: Promise<void> | undefined;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port, close: () => closed ??= close() };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { authority, expected, log, onProven }: AuthorityEndpointOptions & { expected: Uint8Array; onProven(): void },
): Promise<void> {
  const [, secret = "", kind = "", ...rest] = (request.url ?? "").split("/");
  const hasSecret = timingSafeEqual(digest(secret), expected);
  if (!hasSecret || rest.length > 0 || !kinds.has(kind) || request.method !== "POST") {
    response.writeHead(404, { connection: "close" }).end();
    return;
  }
  onProven();
  try {
    const body = await readBody(request);
    if (body === undefined) {
      response.writeHead(413, { connection: "close" }).end();
      return;
    }
    const decision = await authority.decide(kind, Object.fromEntries(new URLSearchParams(body)));
    response.writeHead(200, { "content-type": "text/plain", connection: "close" }).end(
      kind === "user" ? bodies[decision] : denials[decision],
    );
  } catch (error) {
    if (!request.destroyed) log.warn("a question of the broker was aborted", { error });
    response.destroy();
  }
}

/**
 * Connections that have not sent the secret. A broker sends it at once, so the oldest of too many is not the broker's:
 * closing it leaves room for the broker.
 */
class Strangers {
  readonly #max: number;
  /** Oldest first. */
  readonly #sockets = new Set<Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const [oldest] = this.#sockets;
    if (this.#sockets.size <= this.#max) return;
    this.#sockets.delete(oldest);
    oldest.destroy();
  }

  forget(socket: Socket): void {
    this.#sockets.delete(socket);
  }
}

const kinds: ReadonlySet<string> = new Set(["user", "vhost", "resource", "topic"]);

/** Reads the body; undefined when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function digest(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `Cannot listen on ${host} port ${port} for the broker's questions: ${listenReason(cause)}.`;
      reject(new ChatError("unavailable", message, { cause }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
