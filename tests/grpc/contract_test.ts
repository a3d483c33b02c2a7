import { type ClientDuplexStream, credentials, makeClientConstructor } from "@grpc/grpc-js";
import { openChat } from "../../src/app/open_chat.ts";
import { FrameQueue } from "../../src/client/frame_queue.ts";
import { decodeFrame, type ReceivedFrame } from "../../src/client/received_frame.ts";
import { silentLog } from "../../src/core/log.ts";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import { GrpcTransport } from "../../src/grpc/client/client_transport.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { toReceivedError } from "../../src/grpc/client/received_error.ts";
import { statusOf } from "../../src/grpc/client/service_error.ts";
import type { GrpcTransportOptions } from "../../src/grpc/client/transport_options.ts";
import { startGrpcServer } from "../../src/grpc/server/server.ts";
import { defer } from "../../src/host/defer.ts";
import { transportContract, type TransportFixture, type TransportServer } from "../contract/transport.ts";
import { FakeHasher } from "../support/fakes/fake_hasher.ts";
import { ChatServiceService } from "../support/servers/grpc_js_services.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { workerEntry } from "../support/processes/worker_entry.ts";

interface Variant {
  callback: boolean;
  transport: new (options: GrpcTransportOptions) => GrpcTransport | Http2Transport;
}

function fixture(variant: Variant): TransportFixture {
  return {
    acknowledgesByReading: variant.callback,
    start: (options) => start({ ...variant, ...options }),
    ...(variant.transport === GrpcTransport && {
      leavesTimersBecause: "grpc-js keeps timers of its subchannels for a while after a client is closed",
    }),
  };
}

async function start(
  { callback, transport: Transport, registration = "open", rate = { perSecond: 1_000, burst: 10_000 } }:
    & Variant
    & Parameters<TransportFixture["start"]>[0],
): Promise<TransportServer> {
  const folder = temporaryFolder();
  const open = async (port: number) => {
    const opened = openChat({
      folder: folder.path,
      registration,
      rate,
      log: silentLog,
      hasher: new FakeHasher(),
      entry: workerEntry,
    });
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
    folder: folder.path,
    transport,
    openRaw: () => Promise.resolve(openRaw(transport.address)),
    stop,
    start: async () => {
      running = await open(port);
      chat = running.chat;
    },
    async [Symbol.asyncDispose]() {
      await stop("in peace");
      folder[Symbol.dispose]();
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

transportContract("gRPC", fixture({ transport: Http2Transport, callback: false }));
transportContract("gRPC, by callback", fixture({ transport: Http2Transport, callback: true }));
transportContract("gRPC, with grpc-js", fixture({ transport: GrpcTransport, callback: false }));
transportContract("gRPC, by callback, with grpc-js", fixture({ transport: GrpcTransport, callback: true }));
