/** Floods of cheap calls, which anybody who reaches the port can make. */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { ServerReflectionRequest } from "../../src/gen/grpc/reflection/v1/reflection.ts";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import { LogInRequest } from "../../src/gen/chatd/v1/auth.ts";
import { ListUsersRequest } from "../../src/gen/chatd/v1/chat.ts";
import { helloWith } from "../support/servers/test_session.ts";
import {
  data,
  Flag,
  FrameType,
  grpcMessage,
  headers,
  hpack,
  PREFACE,
  requestHeaders,
  settings,
  SETTINGS_ACK,
  windowUpdate,
} from "./http2_frames.ts";

interface FloodCall {
  readonly path: string;
  readonly messages: readonly Uint8Array[];
  /** That of gRPC unless given. */
  readonly contentType?: string;
}

const question = ServerReflectionRequest.encode({
  host: "",
  messageRequest: { $case: "fileContainingSymbol", value: "chatd.v1.ChatService" },
}).finish();
const badHello = { id: 1, kind: { $case: "hello" as const, value: helloWith("no such token") } };
const guess = { user: "deleted-1", password: "correct horse", deviceName: "", deviceId: "" };

/** One call of each kind of flood. */
export const floodCalls = {
  reflection: {
    path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    messages: Array.from({ length: 12 }, () => question),
  },
  health: { path: "/grpc.health.v1.Health/Check", messages: [new Uint8Array()] },
  "unknown methods": { path: "/no.such.Service/Method", messages: [new Uint8Array()] },
  "wrong content types": {
    path: "/grpc.health.v1.Health/Check",
    messages: [new Uint8Array()],
    contentType: "text/plain",
  },
  "bad tokens": { path: "/chatd.v1.ChatService/WhoAmI", messages: [new Uint8Array()] },
  "refused hellos": {
    path: "/chatd.v1.ChatService/Connect",
    messages: [ClientFrame.encode({ requests: [badHello] }).finish()],
  },
  "log-ins": { path: "/chatd.v1.AuthService/LogIn", messages: [LogInRequest.encode(guess).finish()] },
  "large pages": {
    path: "/chatd.v1.ChatService/ListUsers",
    messages: [ListUsersRequest.encode({ after: "", limit: 1_000 }).finish()],
  },
} satisfies Record<string, FloodCall>;

export type FloodKind = keyof typeof floodCalls;

/** The floods that need no login. */
export const strangersFloods = (Object.keys(floodCalls) as FloodKind[]).filter((kind) => kind !== "large pages");

export interface FloodOptions {
  readonly port: number;
  readonly kind: FloodKind;
  /** Addresses of this machine from which it comes; 127.0.0.1 unless given. */
  readonly addresses?: readonly string[];
  /** Connections of each address, which are opened again as soon as they are closed; 4 unless given. */
  readonly connections?: number;
  /** Shown with each call. */
  readonly token?: string;
  /** What is sent in each call; unless given, what the kind says. */
  readonly messages?: readonly Uint8Array[];
}

/** Calls open at once over each connection. */
export const openCalls = 30;

/** Makes calls as fast as they are answered, until it is stopped. */
export class Flood {
  /** Calls that ended while their connection was open. */
  ended = 0;
  bytes = 0;
  /** Connections that the server closed. */
  closed = 0;
  readonly #options: FloodOptions;
  readonly #sockets = new Set<Socket>();
  #isStopped = false;

  constructor(options: FloodOptions) {
    this.#options = options;
    const { addresses = ["127.0.0.1"], connections = 4 } = options;
    for (const address of addresses) {
      for (let count = 0; count < connections; count++) this.#open(address);
    }
  }

  /** Resolves when its connections are closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const closing = [...this.#sockets].map((socket) => {
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.destroy();
      return closed;
    });
    await Promise.all(closing);
  }

  #open(localAddress: string): void {
    const { port, kind, token } = this.#options;
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (this.#isStopped) return;
      this.closed++;
      this.#open(localAddress);
    });
    const call: FloodCall = floodCalls[kind];
    const { messages = call.messages } = this.#options;
    const block = headerBlock(call, token);
    let stream = -1;
    const next = () => {
      stream += 2;
      const bodies = messages.map((message, index) =>
        data(stream, grpcMessage(message), index === messages.length - 1)
      );
      return Buffer.concat([headers(stream, block), ...bodies]);
    };
    const bigWindow = settings([[4, 0x7fff_ffff]]);
    socket.write(Buffer.concat([PREFACE, bigWindow, SETTINGS_ACK, windowUpdate(0, 0x7fff_0000 - 65_535)]));
    socket.write(Buffer.concat(Array.from({ length: openCalls }, next)));
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Uint8Array) => {
      this.bytes += chunk.length;
      const { ended, left } = countEnded(Buffer.concat([rest, chunk]));
      rest = left;
      this.ended += ended;
      if (ended > 0 && !socket.destroyed) socket.write(Buffer.concat(Array.from({ length: ended }, next)));
    });
  }
}

/** The headers that open the call. */
export function headerBlock({ path, contentType }: FloodCall, token?: string): Buffer {
  if (contentType === undefined) {
    return requestHeaders(path, token === undefined ? [] : [["authorization", `Bearer ${token}`]]);
  }
  return hpack([[":method", "POST"], [":scheme", "http"], [":path", path], ["content-type", contentType]]);
}

/** Counts the calls that these frames end. */
function countEnded(bytes: Buffer): { ended: number; left: Buffer } {
  let ended = 0;
  let at = 0;
  while (bytes.length - at >= 9) {
    const length = bytes.readUIntBE(at, 3);
    if (bytes.length - at < 9 + length) break;
    const [type, flags] = [bytes[at + 3], bytes[at + 4]];
    const endsStream = type === FrameType.data || type === FrameType.headers ? flags & Flag.endStream : 0;
    if (endsStream || type === FrameType.rstStream) ended++;
    at += 9 + length;
  }
  return { ended, left: bytes.subarray(at) };
}
