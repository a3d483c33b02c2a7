/** Connections that come and go: honest ones, ones that say nothing, and ones that break off in the middle. */
import { Buffer } from "node:buffer";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import { FrameReader } from "../../src/grpc/http2/frame_reader.ts";
import type { Frame } from "../../src/grpc/http2/frames.ts";
import { standardDeadlineMs } from "../support/waiting/deadlines.ts";
import { helloWith } from "../support/servers/test_session.ts";
import { data, Flag, FrameType, grpcMessage, headers, PREFACE, requestHeaders, settings } from "./http2_frames.ts";
import type { MeasuredServers } from "./measured_server.ts";

/** Addresses of this machine that visitors come from. */
const addresses = 200;

/**
 * One kind of connection. Each visit resolves when its socket is closed, and rejects when the server did not do its
 * part.
 */
export interface VisitKind {
  readonly name: string;
  /** A user may begin 128 sessions at once. */
  readonly beginsSession?: boolean;
  visit(servers: MeasuredServers, index: number): Promise<void>;
}

const opening = Buffer.concat([PREFACE, settings()]);
const identify = requestHeaders("/chatd.v1.ChatService/WhoAmI");
const beginSession = headers(1, requestHeaders("/chatd.v1.ChatService/Connect"));
const endOfStream = data(1, new Uint8Array(), true);
/** The header of a frame of DATA that announces more octets than follow. */
const halfFrame = data(1, Buffer.alloc(1_000)).subarray(0, 500);
const clientHello = await captureClientHello();

export const visitKinds: readonly VisitKind[] = [
  {
    name: "connects and closes",
    visit: (servers, index) => using(servers.ports.plain, index, () => Promise.resolve()),
  },
  {
    name: "sends the preface and closes",
    visit: (servers, index) =>
      using(servers.ports.plain, index, async (socket) => {
        socket.write(opening);
        await answer(socket, ({ type }) => type === FrameType.settings);
      }),
  },
  {
    name: "makes a call and closes",
    visit: (servers, index) => using(servers.ports.plain, index, call(servers, index)),
  },
  {
    name: "logs in, leaves and closes",
    beginsSession: true,
    visit: (servers, index) => using(servers.ports.plain, index, session(servers, index)),
  },
  {
    name: "makes a call and half-closes at once",
    visit: (servers, index) =>
      using(servers.ports.plain, index, async (socket) => {
        const closed = new Promise((resolve) => socket.once("close", resolve));
        const answered = call(servers, index)(socket);
        socket.end();
        await Promise.all([answered, closed]);
      }),
  },
  {
    name: "logs in and resets in the middle of a frame",
    beginsSession: true,
    visit: (servers, index) =>
      using(servers.ports.plain, index, async (socket) => {
        await logIn(socket, servers, index);
        await write(socket, halfFrame);
        socket.resetAndDestroy();
      }),
  },
  {
    name: "resets in the middle of the preface",
    visit: (servers, index) =>
      using(servers.ports.plain, index, async (socket) => {
        await write(socket, opening.subarray(0, index % opening.length));
        socket.resetAndDestroy();
      }),
  },
  {
    name: "connects to the port of TLS and closes",
    visit: (servers, index) => using(servers.ports.tls, index, () => Promise.resolve()),
  },
  {
    name: "resets in the middle of the handshake of TLS",
    visit: (servers, index) =>
      using(servers.ports.tls, index, async (socket) => {
        // Half of a ClientHello, or all of it and no answer to the server's part.
        await write(socket, index % 2 === 0 ? clientHello.subarray(0, clientHello.length / 2) : clientHello);
        socket.resetAndDestroy();
      }),
  },
  {
    name: "logs in over TLS, leaves and closes",
    beginsSession: true,
    visit: (servers, index) =>
      using(servers.ports.tls, index, async (socket) => {
        const secure = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ["h2"] });
        await event(secure, "secureConnect");
        await session(servers, index)(secure);
        secure.destroy();
      }),
  },
];

/** Opens a connection, lets `visit` do its part, and closes the connection. */
async function using(port: number, index: number, visit: (socket: Socket) => Promise<void>): Promise<void> {
  const place = index % addresses;
  const socket = connectTcp({ port, host: "127.0.0.1", localAddress: `127.0.9.${place + 1}`, noDelay: true });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const deadline = setTimeout(() => socket.destroy(new Error("The visit took too long.")), standardDeadlineMs);
  try {
    await event(socket, "connect");
    await visit(socket);
  } finally {
    clearTimeout(deadline);
    socket.on("error", () => {});
    socket.destroy();
    await closed;
  }
}

/** Makes one unary call with a good token, and waits for its end. */
function call({ tokens }: MeasuredServers, index: number): (socket: Socket) => Promise<void> {
  return async (socket) => {
    const request = Buffer.concat([identify, bearer(tokens[index % tokens.length])]);
    socket.write(Buffer.concat([opening, headers(1, request), data(1, grpcMessage(new Uint8Array()), true)]));
    await answer(socket, isEnd);
  };
}

/** Begins a session, ends it in order, and waits for its end. */
function session(servers: MeasuredServers, index: number): (socket: Socket) => Promise<void> {
  return async (socket) => {
    await logIn(socket, servers, index);
    socket.write(endOfStream);
    await answer(socket, isEnd);
  };
}

async function logIn(socket: Socket, { tokens }: MeasuredServers, index: number): Promise<void> {
  const hello = { id: 1, kind: { $case: "hello" as const, value: helloWith(tokens[index % tokens.length]) } };
  const message = grpcMessage(ClientFrame.encode({ requests: [hello] }).finish());
  socket.write(Buffer.concat([opening, beginSession, data(1, message)]));
  await answer(socket, ({ type }) => type === FrameType.data);
}

/** Resolves at the first frame that is `wanted`. @throws {Error} when the connection ends before */
function answer(socket: Socket, wanted: (frame: Frame) => boolean): Promise<void> {
  const reader = new FrameReader();
  return new Promise((resolve, reject) => {
    const stop = () => socket.off("data", onData).off("error", reject).off("close", onClose);
    const onClose = () => reject(new Error("The server closed the connection before it answered."));
    const onData = (chunk: Uint8Array) =>
      reader.read(chunk, (frame) => {
        if (!wanted(frame)) return;
        stop();
        resolve();
      });
    socket.on("data", onData).on("error", reject).on("close", onClose);
  });
}

function isEnd({ type, flags }: Frame): boolean {
  return type === FrameType.headers && (flags & Flag.endStream) !== 0;
}

/** A field of metadata with a token, as a literal of HPACK without indexing (RFC 7541, section 6.2.2). */
function bearer(token: string): Buffer {
  const literal = (text: string) => Buffer.concat([Uint8Array.of(text.length), Buffer.from(text, "latin1")]);
  return Buffer.concat([Uint8Array.of(0), literal("authorization"), literal(`Bearer ${token}`)]);
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => socket.write(bytes, (error) => error ? reject(error) : resolve()));
}

function event(socket: Socket, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(name, () => {
      socket.off("error", reject);
      resolve();
    });
    socket.once("error", reject);
  });
}

/** Returns the first octets of a client of TLS. */
function captureClientHello(): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.once("data", (bytes: Buffer) => {
        server.close();
        socket.destroy();
        resolve(bytes);
      });
    });
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      connectTls({ host: "127.0.0.1", port, ALPNProtocols: ["h2"] }).on("error", () => {});
    });
  });
}
