import { type ClientDuplexStream, credentials, makeClientConstructor } from "@grpc/grpc-js";
import { type CoreOptions, type OpenChat, openChat } from "../../../src/app/open_chat.ts";
import { FrameQueue } from "../../../src/client/frame_queue.ts";
import { decodeFrame, type ReceivedFrame } from "../../../src/client/received_frame.ts";
import { silentLog } from "../../../src/core/log.ts";
import { ClientFrame } from "../../../src/gen/chatd/v1/session.ts";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import type { Http2Transport } from "../../../src/grpc/client/http2_transport.ts";
import { toReceivedError } from "../../../src/grpc/client/received_error.ts";
import { statusOf } from "../../../src/grpc/client/service_error.ts";
import type { GrpcTransportOptions } from "../../../src/grpc/client/transport_options.ts";
import { startGrpcServer } from "../../../src/grpc/server/server.ts";
import { defer } from "../../../src/host/defer.ts";
import type { TransportFixture, TransportServer } from "../../contract/transport.ts";
import { hasContent } from "../checks/files.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import { FakeHasher } from "../fakes/fake_hasher.ts";
import { workerEntry } from "../processes/worker_entry.ts";
import { peersClosed } from "../waiting/turns.ts";
import { ChatServiceService } from "./grpc_js_services.ts";

/** A store that survives its servers. */
export interface ReopenedStore {
  open(options: CoreOptions): Promise<OpenChat>;
  /** Whether it has the content of a file. */
  hasContent(sha256: string): Promise<boolean>;
  remove(): void;
}

export interface GrpcVariant {
  readonly callback: boolean;
  readonly transport: new (options: GrpcTransportOptions) => GrpcTransport | Http2Transport;
  /** Makes an empty store; in a new data folder unless given. */
  readonly makeStore?: () => Promise<ReopenedStore>;
}

/** The gRPC transport for the contract of transports. */
export function grpcFixture(variant: GrpcVariant): TransportFixture {
  return {
    acknowledgesByReading: variant.callback,
    start: (options) => start({ ...variant, ...options }),
    ...(variant.transport === GrpcTransport && {
      leavesTimersBecause: "grpc-js keeps timers of its subchannels for a while after a client is closed",
    }),
  };
}

function makeFolder(): Promise<ReopenedStore> {
  const folder = temporaryFolder();
  return Promise.resolve({
    open: (options) => Promise.resolve(openChat({ ...options, folder: folder.path, entry: workerEntry })),
    hasContent: (sha256) => Promise.resolve(hasContent(folder.path, sha256)),
    remove: () => folder[Symbol.dispose](),
  });
}

async function start(
  {
    callback,
    transport: Transport,
    makeStore = makeFolder,
    registration = "open",
    rate = { perSecond: 1_000, burst: 10_000 },
  }: GrpcVariant & Parameters<TransportFixture["start"]>[0],
): Promise<TransportServer> {
  const store = await makeStore();
  const open = async (port: number) => {
    const opened = await store.open({ registration, rate, log: silentLog, hasher: new FakeHasher() });
    const listen = { host: "127.0.0.1", port };
    const server = await startGrpcServer({ chat: opened.chat, log: silentLog, server: "chatd test", listen, defer });
    return { ...opened, server };
  };
  let running: Awaited<ReturnType<typeof open>> | undefined = await open(0);
  let { chat } = running;
  const { port } = running.server;
  const transport = new Transport({ host: "127.0.0.1", port, callback });
  const stop: TransportServer["stop"] = async (how) => {
    if (running === undefined) return;
    const { server, close } = running;
    running = undefined;
    const closed = server.close({ deadlineMs: how === "in peace" ? 30_000 : 0 });
    if (how === "in peace") chat.endSessions();
    await closed;
    await close();
  };
  return {
    get chat() {
      return chat;
    },
    hasContent: (sha256) => store.hasContent(sha256),
    transport,
    openRaw: () => Promise.resolve(openRaw(transport.address)),
    stop,
    start: async () => {
      running = await open(port);
      chat = running.chat;
    },
    async [Symbol.asyncDispose]() {
      await stop("in peace");
      await peersClosed();
      store.remove();
    },
  };
}

function openRaw(address: string) {
  const connect = {
    ...ChatServiceService.connect,
    requestSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
    responseDeserialize: decodeFrame,
  };
  const client = new (makeClientConstructor({ connect } as never, "raw"))(address, credentials.createInsecure());
  const call = client.connect() as ClientDuplexStream<Uint8Array, ReceivedFrame>;
  const frames = new FrameQueue({ pause: () => call.pause(), resume: () => call.resume() });
  call.on("data", (frame) => frames.push(frame));
  call.on("error", (error) => frames.fail(toReceivedError(statusOf(error as never))));
  call.on("end", () => frames.end());
  return {
    frames,
    send: (frame: ClientFrame) => void call.write(ClientFrame.encode(frame).finish()),
    sendBytes: (bytes: Uint8Array) => void call.write(bytes),
    close: () => {
      call.cancel();
      client.close();
      frames.end();
      return Promise.resolve();
    },
  };
}
