import assert from "node:assert/strict";
import { logIn, type LogInOptions, type Questions } from "../../../src/app/client/log_in.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { FakeChatServer } from "../../support/fakes/fake_chat_server.ts";

/** Gives prepared answers, and records questions and notices. */
class Person implements Questions {
  readonly heard: string[] = [];
  readonly #answers: (string | undefined)[];

  constructor(...answers: (string | undefined)[]) {
    this.#answers = answers;
  }

  ask = (question: string) => this.#answer(question);
  password = async (question: string) => await this.#answer(question) ?? "";
  newPassword = async ({ first }: { first: string }) => await this.#answer(first) ?? "";
  tell = (text: string) => void this.heard.push(text);

  #answer(question: string): Promise<string | undefined> {
    this.heard.push(question);
    if (this.#answers.length === 0) return Promise.reject(new Error(`Nobody expected: ${question}`));
    return Promise.resolve(this.#answers.shift());
  }
}

function start(server: FakeChatServer, options: Partial<LogInOptions>) {
  return logIn({
    transport: server.transport,
    user: "ana",
    deviceId: undefined,
    deviceName: "test",
    password: undefined,
    invite: undefined,
    questions: undefined,
    ...options,
  });
}

function serverWithAna(): FakeChatServer {
  const server = new FakeChatServer();
  server.passwords.set("ana", "right one");
  return server;
}

Deno.test("logIn() asks a person without a saved login whether to log in or register", async () => {
  const server = new FakeChatServer();
  const dora = new Person("what?", "", "r", "a password");
  const credentials = await start(server, { user: "dora", questions: dora });
  assert.equal(server.tokens.get(credentials.token), "dora");
  assert.equal(dora.heard.length, 4);
  assert.equal(dora.heard[0], "No saved login for dora. Log in or register? [l/r]");

  const ana = new Person("L", "right one");
  assert.equal((await start(serverWithAna(), { questions: ana })).user, "ana");
});

Deno.test("logIn() asks on a known device for the password only, at most three times", async () => {
  const ana = new Person("wrong", "right one");
  assert.equal((await start(serverWithAna(), { deviceId: "d1", questions: ana })).user, "ana");
  assert.deepEqual(ana.heard, ["Password for ana: ", "Wrong name or password.", "Password for ana: "]);
  const forgetful = new Person("a", "b", "c", "right one");
  await assert.rejects(start(serverWithAna(), { deviceId: "d1", questions: forgetful }), { code: "unauthenticated" });
});

Deno.test("logIn() uses a given password once, and asks no question without a terminal", async () => {
  assert.equal((await start(serverWithAna(), { password: "right one" })).user, "ana");
  await assert.rejects(start(serverWithAna(), { password: "wrong" }), { code: "unauthenticated" });
  await assert.rejects(start(serverWithAna(), {}), { code: "unauthenticated", message: /--password-file/ });
});

Deno.test("logIn() registers without questions when an invitation is given", async () => {
  const server = new FakeChatServer();
  assert.equal((await start(server, { user: "dora", password: "a password", invite: "code" })).user, "dora");
  assert.ok(server.users.has("dora"));
});

Deno.test("logIn() asks for an invitation when the server requires one, and keeps the password", async () => {
  const server = new FakeChatServer();
  const invites: string[] = [];
  const transport = {
    ...server.transport,
    register: (request: Parameters<typeof server.transport.register>[0]) => {
      invites.push(request.invite);
      if (request.invite === "good") return server.transport.register(request, {});
      return Promise.reject(new ChatError("invite_invalid", "By invitation only."));
    },
  };
  const dora = new Person("r", "a password", " good ");
  assert.equal((await start(server, { user: "dora", transport, questions: dora })).user, "dora");
  assert.deepEqual(invites, ["", "good"]);
  const without = new Person("r", "a password", "");
  await assert.rejects(start(server, { user: "emil", transport, questions: without }), { code: "invite_invalid" });
});

Deno.test("logIn() asks again after an unacceptable password, but not after a taken name", async () => {
  const server = new FakeChatServer();
  const transport = {
    ...server.transport,
    register: (request: Parameters<typeof server.transport.register>[0]) =>
      request.password.length < 8
        ? Promise.reject(new ChatError("invalid_argument", "The password is too short."))
        : server.transport.register(request, {}),
  };
  const dora = new Person("r", "short", "long enough");
  assert.equal((await start(server, { user: "dora", transport, questions: dora })).user, "dora");
  const second = new Person("r", "long enough");
  await assert.rejects(start(server, { user: "dora", transport, questions: second }), { code: "already_exists" });
});
