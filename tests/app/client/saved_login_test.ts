import assert from "node:assert/strict";
import { ClientState } from "../../../src/app/client/client_state.ts";
import { Login } from "../../../src/app/client/saved_login.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { FakeChatServer } from "../../support/fakes/fake_chat_server.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

/** A device of ana with a saved token, and a login with the given password. */
function savedLogin(folder: string, password: string) {
  const server = new FakeChatServer();
  server.passwords.set("ana", "right one");
  const state = new ClientState({ server: "test", user: "ana", folder });
  state.update((saved) => ({ ...saved, token: "saved", deviceId: "d1" }));
  return { state, login: new Login(server.transport, { user: "ana", password }, state) };
}

for (const code of ["token_revoked", "unauthenticated"] as const) {
  const refusal = new ChatError(code, "The token is too old.");

  Deno.test(`a refused token (${code}) stays saved until another login succeeds`, async () => {
    using folder = temporaryFolder();
    const { state, login } = savedLogin(folder.path, "wrong one");
    const token = await login.token();
    assert.equal(token, "saved");
    assert.equal(login.canRetry(refusal, token), true);
    await assert.rejects(login.token(), { code: "unauthenticated" });
    assert.equal(state.read().token, "saved");
    // The next run tries it again, because the server's clock may be right by then.
    assert.equal(await savedLogin(folder.path, "wrong one").login.token(), "saved");
  });

  Deno.test(`a refused token (${code}) is replaced by a successful login`, async () => {
    using folder = temporaryFolder();
    const { state, login } = savedLogin(folder.path, "right one");
    assert.equal(login.canRetry(refusal, await login.token()), true);
    const fresh = await login.token();
    assert.notEqual(fresh, "saved");
    assert.equal(state.read().token, fresh);
    // There is no third attempt after a fresh token is refused, too.
    assert.equal(login.canRetry(refusal, fresh), false);
  });
}

Deno.test("a token that another terminal has saved meanwhile is used instead of the refused one", async () => {
  using folder = temporaryFolder();
  const { state, login } = savedLogin(folder.path, "wrong one");
  const token = await login.token();
  state.update((saved) => ({ ...saved, token: "of another terminal" }));
  assert.equal(login.canRetry(new ChatError("token_revoked", "Logged out."), token), true);
  assert.equal(await login.token(), "of another terminal");
});

Deno.test("an error without relation to the token allows no retry", async () => {
  using folder = temporaryFolder();
  const { login } = savedLogin(folder.path, "right one");
  const token = await login.token();
  for (const error of [new ChatError("unavailable", "Nobody answers."), new Error("a bug")]) {
    assert.equal(login.canRetry(error, token), false);
  }
  assert.equal(await login.token(), "saved");
});

Deno.test("a password that has to be checked is checked once, although a token is saved", async () => {
  using folder = temporaryFolder();
  const server = new FakeChatServer();
  server.passwords.set("ana", "right one");
  const state = new ClientState({ server: "test", user: "ana", folder: folder.path });
  state.update((saved) => ({ ...saved, token: "saved", deviceId: "d1" }));
  const login = (password: string) =>
    new Login(server.transport, { user: "ana", password, checkPassword: true }, state);
  await assert.rejects(login("wrong one").token(), { code: "unauthenticated" });
  assert.equal(state.read().token, "saved");
  const right = login("right one");
  const fresh = await right.token();
  assert.notEqual(fresh, "saved");
  assert.equal(await right.token(), fresh);
});
