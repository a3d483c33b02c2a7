import { openChat } from "../../../src/app/open_chat.ts";
import type { Chat } from "../../../src/core/chat.ts";
import { silentLog } from "../../../src/core/log.ts";
import { type ConnectionGuardOptions, standardLimits } from "../../../src/grpc/server/connection_guard.ts";
import { type CallLimits, standardCallLimits } from "../../../src/grpc/server/open_calls.ts";
import type { GrpcServer } from "../../../src/grpc/server/serve_calls.ts";
import { type GrpcServerOptions, startGrpcServer } from "../../../src/grpc/server/server.ts";
import { defer } from "../../../src/host/defer.ts";
import { FakeHasher } from "../fakes/fake_hasher.ts";
import { peersClosed } from "../waiting/turns.ts";

export interface TestGrpcServer extends AsyncDisposable {
  readonly chat: Chat;
  readonly server: GrpcServer;
}

export interface TestGrpcServerOptions
  extends Partial<Pick<GrpcServerOptions, "tls" | "callback" | "strangers" | "log" | "answerDeadlineMs">> {
  /** The limits that differ from the standard ones. */
  connectionLimits?: Partial<ConnectionGuardOptions>;
  /** The limits that differ from the standard ones. */
  callLimits?: Partial<CallLimits>;
  /** Kept by its owner; one of its own unless given. */
  folder?: string;
  /** Of each user; more than a test needs unless given. */
  rate?: { perSecond: number; burst: number };
}

/** A real server on port 0 of 127.0.0.1. */
export async function startTestGrpcServer(
  { folder, rate = { perSecond: 1_000, burst: 10_000 }, connectionLimits, callLimits, ...options }:
    TestGrpcServerOptions = {},
): Promise<TestGrpcServer> {
  const data = folder ?? await Deno.makeTempDir({ prefix: "chatd-test-" });
  const { chat, close } = openChat({
    folder: data,
    registration: "open",
    rate,
    log: silentLog,
    hasher: new FakeHasher(),
  });
  const listen = { host: "127.0.0.1", port: 0 };
  const server = await startGrpcServer({
    chat,
    log: silentLog,
    server: "chatd test",
    listen,
    defer,
    connectionLimits: { ...standardLimits, ...connectionLimits },
    callLimits: { ...standardCallLimits, ...callLimits },
    ...options,
  });
  return {
    chat,
    server,
    async [Symbol.asyncDispose]() {
      const drained = server.close({ deadlineMs: 30_000 });
      chat.endSessions();
      await drained;
      await close();
      await peersClosed();
      if (folder === undefined) await Deno.remove(data, { recursive: true });
    },
  };
}
