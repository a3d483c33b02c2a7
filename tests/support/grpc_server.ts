import { defer, openChat } from "../../src/app/open_chat.ts";
import type { Chat } from "../../src/core/chat.ts";
import { silentLog } from "../../src/core/log.ts";
import { type GrpcServer, type GrpcServerOptions, startGrpcServer } from "../../src/grpc/server.ts";
import { FakeHasher } from "./fake_hasher.ts";

export interface TestGrpcServer extends AsyncDisposable {
  readonly chat: Chat;
  readonly server: GrpcServer;
}

/** A real server on port 0 of 127.0.0.1 with a data folder of its own, which goes with it. */
export async function startTestGrpcServer(
  options: Partial<Pick<GrpcServerOptions, "tls" | "callback" | "connectionLimits" | "callLimits">> = {},
): Promise<TestGrpcServer> {
  const folder = await Deno.makeTempDir({ prefix: "chatd-test-" });
  const { chat, close } = openChat({
    folder,
    registration: "open",
    rate: { perSecond: 1_000, burst: 10_000 },
    log: silentLog,
    hasher: new FakeHasher(),
  });
  const listen = { host: "127.0.0.1", port: 0 };
  const server = await startGrpcServer({ chat, log: silentLog, server: "chatd test", listen, defer, ...options });
  return {
    chat,
    server,
    async [Symbol.asyncDispose]() {
      const drained = server.close({ deadlineMs: 30_000 });
      chat.endSessions();
      await drained;
      await close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
