import assert from "node:assert/strict";
import { logIn, type LogInOptions, type Questions } from "../../../src/app/client/log_in.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { FakeChatServer } from "../../support/fake_chat_server.ts";

/** Answers in turn; the questions and what was told are kept. */
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

Deno.test("a person who is new here is asked whether to log in or to register", async () => {
  const server = new FakeChatServer();
  const dora = new Person("what?", "", "r", "a password");
  const credentials = await start(server, { user: "dora", questions: dora });
  assert.equal(server.tokens.get(credentials.token), "dora");
  assert.equal(dora.heard.length, 4);
  assert.equal(dora.heard[0], "No login of dora is saved here: log in or register? [l/r]");

  const ana = new Person("L", "right one");
  assert.equal((await start(serverWithAna(), { questions: ana })).user, "ana");
});

Deno.test("a known device is asked for the password only, three times at most", async () => {
  const ana = new Person("wrong", "right one");
  assert.equal((await start(serverWithAna(), { deviceId: "d1", questions: ana })).user, "ana");
  assert.deepEqual(ana.heard, ["Password of ana: ", "Wrong name or password.", "Password of ana: "]);
  const forgetful = new Person("a", "b", "c", "right one");
  await assert.rejects(start(serverWithAna(), { deviceId: "d1", questions: forgetful }), { code: "unauthenticated" });
});

Deno.test("a given password is used once, and nobody is asked where nobody is", async () => {
  assert.equal((await start(serverWithAna(), { password: "right one" })).user, "ana");
  await assert.rejects(start(serverWithAna(), { password: "wrong" }), { code: "unauthenticated" });
  await assert.rejects(start(serverWithAna(), {}), { code: "unauthenticated", message: /--password-file/ });
});

Deno.test("an invitation given beforehand registers without questions", async () => {
  const server = new FakeChatServer();
  assert.equal((await start(server, { user: "dora", password: "a password", invite: "code" })).user, "dora");
  assert.ok(server.users.has("dora"));
});

Deno.test("a server that wants an invitation has it asked for, with the same password", async () => {
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

Deno.test("a password that the server does not want is asked for again, a taken name is not", async () => {
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
