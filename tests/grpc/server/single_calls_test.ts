import assert from "node:assert/strict";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { ServerFrame } from "../../../src/gen/chatd/v1/session.ts";
import { DirectMessages } from "../../../src/gen/chatd/v1/settings.ts";
import { AuthServiceClient, ChatServiceClient } from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer, type TestGrpcServer } from "../../support/servers/grpc_server.ts";
import { helloWith } from "../../support/servers/test_session.ts";
import { until } from "../../support/waiting/turns.ts";
import { historyRequest, sendRequest } from "../../support/servers/wire_values.ts";

/** Makes a single call, and closes the client after it. */
async function call<Response>(
  client: { close(): void },
  start: (done: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  try {
    return await new Promise<Response>((resolve, reject) => {
      start((error, response) => error === null ? resolve(response) : reject(error));
    });
  } finally {
    client.close();
  }
}

function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

function clientsOf({ server }: TestGrpcServer) {
  const address = `127.0.0.1:${server.port}`;
  return {
    auth: () => new AuthServiceClient(address, credentials.createInsecure()),
    chat: () => new ChatServiceClient(address, credentials.createInsecure()),
  };
}

async function register(test: TestGrpcServer, user: string): Promise<string> {
  const client = clientsOf(test).auth();
  const request = { user, password: "correct horse", invite: "", deviceName: "" };
  const response = await call<{ credentials?: { token: string } }>(client, (done) => client.register(request, done));
  return response.credentials!.token;
}

async function refused(expected: status, code: string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: ServiceError) => {
    assert.deepEqual([error.code, error.metadata.get("chatd-error-code")], [expected, [code]]);
    return true;
  });
}

Deno.test("scripts send and read by single calls", async () => {
  await using test = await startTestGrpcServer();
  const { chat } = clientsOf(test);
  const token = await register(test, "ana");
  await register(test, "ben");
  const metadata = bearer(token);
  const single = <Response>(
    start: (client: ChatServiceClient, done: (error: ServiceError | null, response: Response) => void) => unknown,
  ) => {
    const client = chat();
    return call<Response>(client, (done) => start(client, done));
  };
  const message = sendRequest({ to: "ben", id: createMessageId(), text: "from a script" });
  const send = () =>
    single<{ duplicate: boolean; seq: number }>((client, done) => client.send(message, metadata, done));
  assert.deepEqual([(await send()).duplicate, (await send()).duplicate], [false, true]);
  const history = await single<{ messages: { text: string }[] }>((client, done) =>
    client.history(historyRequest({ with: "ben" }), metadata, done)
  );
  assert.deepEqual(history.messages.map(({ text }) => text), ["from a script"]);
  const sent = await single<{ messages: { text: string }[] }>((client, done) =>
    client.sent({ beforeId: "", limit: 0 }, metadata, done)
  );
  assert.equal(sent.messages.length, 1);
  const list = await single<{ conversations: { address: string }[] }>((client, done) =>
    client.listConversations({ limit: 0, beforePosition: 0 }, metadata, done)
  );
  assert.deepEqual(list.conversations.map(({ address }) => address), ["ben"]);
  const users = await single<{ users: { name: string }[] }>((client, done) =>
    client.listUsers({ after: "", limit: 0 }, metadata, done)
  );
  assert.deepEqual(users.users.map(({ name }) => name), ["ana", "ben"]);
  const whoAmI = await single<{ user: string }>((client, done) => client.whoAmI({}, metadata, done));
  assert.equal(whoAmI.user, "ana");
  await single((client, done) =>
    client.pin({ to: "ben", seq: 1, id: createMessageId(), remove: false }, metadata, done)
  );
  const { pins } = await single<{ pins: { user: string; message?: { text: string } }[] }>((client, done) =>
    client.listPins({ with: "ben", beforePosition: 0, limit: 0 }, metadata, done)
  );
  assert.deepEqual(pins.map(({ user, message }) => [user, message?.text]), [["ana", "from a script"]]);
});

Deno.test("scripts say what was read, ask for it, and set what others see by single calls", async () => {
  await using test = await startTestGrpcServer();
  const { chat } = clientsOf(test);
  const tokens = { ana: bearer(await register(test, "ana")), ben: bearer(await register(test, "ben")) };
  const single = <Response>(
    start: (client: ChatServiceClient, done: (error: ServiceError | null, response: Response) => void) => unknown,
  ) => {
    const client = chat();
    return call<Response>(client, (done) => start(client, done));
  };
  const message = sendRequest({ to: "ben", id: createMessageId(), text: "hello" });
  await single((client, done) => client.send(message, tokens.ana, done));
  await single((client, done) => client.read({ with: "ana", seq: 1 }, tokens.ben, done));
  const readers = () =>
    single<{ users: string[] }>((client, done) => client.listReaders({ with: "ben", seq: 1 }, tokens.ana, done));
  for (const deadline = Date.now() + 20_000; (await readers()).users.length === 0;) assert.ok(Date.now() < deadline);
  assert.deepEqual((await readers()).users, ["ben"]);
  const change = {
    readReceipts: false,
    presence: undefined,
    directMessages: DirectMessages.NOBODY,
    displayName: "Ben",
    status: undefined,
  };
  await single((client, done) => client.updateSettings(change, tokens.ben, done));
  await single((client, done) => client.blockUser({ user: "ana", unblock: false }, tokens.ben, done));
  const settings = await single((client, done) => client.getSettings({}, tokens.ben, done));
  assert.deepEqual(settings, {
    settings: {
      readReceipts: false,
      presence: true,
      directMessages: DirectMessages.NOBODY,
      displayName: "Ben",
      status: "",
    },
    blocked: ["ana"],
  });
  assert.deepEqual((await readers()).users, []);
  const refusedMessage = { ...message, id: createMessageId() };
  const sending = single((client, done) => client.send(refusedMessage, tokens.ana, done));
  await refused(status.PERMISSION_DENIED, "permission_denied", sending);
});

Deno.test("a single call needs a token, and says so", async () => {
  await using test = await startTestGrpcServer();
  const { auth, chat } = clientsOf(test);
  const whoAmI = (metadata: Metadata) => {
    const client = chat();
    return call(client, (done) => client.whoAmI({}, metadata, done));
  };
  await refused(status.UNAUTHENTICATED, "unauthenticated", whoAmI(new Metadata()));
  await refused(status.UNAUTHENTICATED, "unauthenticated", whoAmI(bearer("no such token")));
  const token = await register(test, "ana");
  await whoAmI(bearer(token));
  const client = auth();
  await call(client, (done) => client.logOut({}, bearer(token), done));
  await refused(status.UNAUTHENTICATED, "unauthenticated", whoAmI(bearer(token)));
});

Deno.test("an account is deleted by a single call with its password, and its token is no good after that", async () => {
  await using test = await startTestGrpcServer();
  const { auth } = clientsOf(test);
  const token = await register(test, "ana");
  const deleteWith = (password: string) => {
    const client = auth();
    return call(client, (done) => client.deleteAccount({ password }, bearer(token), done));
  };
  await refused(status.PERMISSION_DENIED, "permission_denied", deleteWith("wrong password"));
  await deleteWith("correct horse");
  await refused(status.UNAUTHENTICATED, "unauthenticated", deleteWith("correct horse"));
  await refused(status.ALREADY_EXISTS, "already_exists", register(test, "ana"));
});

Deno.test("a single call is refused by the status that fits", async () => {
  await using test = await startTestGrpcServer();
  const { chat } = clientsOf(test);
  const metadata = bearer(await register(test, "ana"));
  const send = (change: object) => {
    const client = chat();
    const message = sendRequest({ to: "ana", id: createMessageId(), text: "hello", ...change });
    return call(client, (done) => client.send(message, metadata, done));
  };
  await refused(status.NOT_FOUND, "not_found", send({ to: "nobody" }));
  await refused(status.INVALID_ARGUMENT, "invalid_argument", send({ text: "" }));
  await refused(status.FAILED_PRECONDITION, "message_id_expired", send({ id: createMessageId(1) }));
  await assert.rejects(
    send({ text: "x".repeat(70_000) }),
    (error: ServiceError) => error.code === status.RESOURCE_EXHAUSTED,
  );
  await send({});
});

Deno.test("a client that ends its side of a live session has its answers first", async () => {
  await using test = await startTestGrpcServer();
  const token = await register(test, "ana");
  const client = clientsOf(test).chat();
  const frames: ServerFrame[] = [];
  let ended: status | undefined;
  const session = client.connect();
  session.on("data", (frame) => frames.push(frame));
  session.on("error", () => {});
  session.on("status", ({ code }) => ended = code);
  session.write({ requests: [{ id: 1, kind: { $case: "hello", value: helloWith(token) } }] });
  const message = sendRequest({ to: "ana", id: createMessageId(), text: "from a pipe" });
  session.write({ requests: [{ id: 2, kind: { $case: "send", value: message } }] });
  session.end();
  await until(() => ended !== undefined);
  assert.equal(ended, status.OK);
  const replies = frames.flatMap(({ items }) =>
    items.map(({ kind }) => kind?.$case === "reply" && kind.value.requestId)
  );
  assert.deepEqual(replies, [1, 2]);
  assert.equal(test.chat.live.count, 0);
  client.close();
});
