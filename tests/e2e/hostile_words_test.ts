import assert from "node:assert/strict";
import { LogInResponse } from "../../src/gen/chatd/v1/auth.ts";
import { ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { GrpcStatus } from "../../src/grpc/http2/grpc_status.ts";
import { type CallServer, startCallServer } from "../support/servers/call_server.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const words = "\x1b]0;title\x07\x1b[31mred\x1b[2J\u202e\u009b\r\nchatd: forged";
// deno-lint-ignore no-control-regex -- control characters are what this is about
const controls = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;

/** Starts a server that refuses the login, or the session, with words and a code of its own. */
function startHostileServer({ at, code }: { at: "login" | "hello"; code: string }): Promise<CallServer> {
  const credentials = { user: "ana", token: "t", deviceId: "d", expiresAtMs: 1e15 };
  const ended = { error: { code, message: words, retryAfterMs: 0 } };
  return startCallServer((call) => {
    const isLogin = call.path === "/chatd.v1.AuthService/LogIn";
    call.begin({
      onMessage: () => {
        if (isLogin && at === "login") {
          return call.end({
            code: GrpcStatus.permissionDenied,
            details: words,
            metadata: [["chatd-error-code", code]],
          });
        }
        if (isLogin) {
          call.send(LogInResponse.encode({ credentials }).finish());
          return call.end();
        }
        const item = { kind: { $case: "sessionEnded" as const, value: ended } };
        call.send(ServerFrame.encode({ items: [item], through: 0, receipt: 0 }).finish());
      },
      onHalfClose: () => {},
      onClose: () => {},
    });
  });
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
