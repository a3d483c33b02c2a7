import assert from "node:assert/strict";
import {
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { ClientFrame, ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { runChatd } from "../support/chatd_process.ts";
import { temporaryFolder } from "../support/temporary_folder.ts";
import { AuthServiceService, ChatServiceService } from "../support/grpc_js_services.ts";

const words = "\x1b]0;title\x07\x1b[31mred\x1b[2J\u202e\u009b\r\nchatd: forged";
// deno-lint-ignore no-control-regex -- control characters are what this is about
const controls = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;

/** A server that refuses the login, or the session, with words and a code of its own. */
async function startHostileServer({ at, code }: { at: "login" | "hello"; code: string }) {
  const server = new Server();
  const logIn = (_call: unknown, done: sendUnaryData<unknown>) => {
    if (at === "hello") {
      return done(null, { credentials: { user: "ana", token: "t", deviceId: "d", expiresAtMs: 1e15 } });
    }
    const metadata = new Metadata();
    metadata.set("chatd-error-code", code);
    done({ code: status.PERMISSION_DENIED, details: words, metadata });
  };
  const connect = (call: ServerDuplexStream<ClientFrame, ServerFrame>) => {
    call.on("error", () => {});
    call.on("data", () => {
      const value = { error: { code, message: words, retryAfterMs: 0 } };
      call.write({ items: [{ kind: { $case: "sessionEnded", value } }], through: 0, receipt: 0 });
    });
  };
  server.addService({ logIn: AuthServiceService.logIn }, { logIn } as unknown as UntypedServiceImplementation);
  server.addService({ connect: ChatServiceService.connect }, { connect } as unknown as UntypedServiceImplementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      ServerCredentials.createInsecure(),
      (error, port) => error === null ? resolve(port) : reject(error),
    )
  );
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      server.forceShutdown();
      await closed;
    },
  };
}

const refusals = [["login", "permission_denied"], ["login", "internal"], ["hello", "permission_denied"]] as const;

for (const [at, code] of refusals) {
  Deno.test(`words of a hostile server (${code} at ${at}) are shown, and obeyed by no terminal`, async () => {
    await using server = await startHostileServer({ at, code });
    using state = temporaryFolder();
    const { stdout, stderr } = await runChatd({
      args: ["grpc-client", "--user", "ana", "--to", "ben", "--server", `127.0.0.1:${server.port}`],
      env: { XDG_STATE_HOME: state.path, CHATD_PASSWORD: "correct horse" },
      input: "a line\n",
    });
    assert.match(stderr, /red␛\[2J/);
    assert.doesNotMatch(stdout + stderr, controls);
    if (code !== "internal") assert.doesNotMatch(stderr, /^chatd: forged/m);
  });
}
