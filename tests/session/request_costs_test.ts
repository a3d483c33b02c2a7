import assert from "node:assert/strict";
import { ChatClient } from "../../src/client/chat_client.ts";
import { standardRate } from "../../src/core/limits.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { GrpcTransport } from "../../src/grpc/client/client_transport.ts";
import { costOf } from "../../src/session/request_costs.ts";
import { requestHandlers } from "../../src/session/request_handlers.ts";
import { TerminalChat } from "../../src/terminal/chat/terminal_chat.ts";
import { FullScreenFace } from "../../src/terminal/full_screen/full_screen_face.ts";
import { choosePalette } from "../../src/terminal/full_screen/palette.ts";
import { EmulatedTerminal } from "../support/fakes/emulated_terminal.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { startTestGrpcServer } from "../support/servers/grpc_server.ts";
import { sendMessage } from "../support/servers/send_message.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { TestSession } from "../support/servers/test_session.ts";
import { turns } from "../support/waiting/turns.ts";
import { historyRequest, sendRequest } from "../support/servers/wire_values.ts";

Deno.test("a request costs 1, and its page one more for each 50 items", () => {
  assert.equal(costOf("ping", {}), 1);
  assert.equal(costOf("send", sendRequest({ to: "ben", id: "", text: "hello" })), 1);
  assert.equal(costOf("listUsers", { after: "", limit: 1_000 }), 21);
  assert.equal(costOf("listUsers", { after: "", limit: 0 }), 1 + requestHandlers.listUsers.page.standard / 50);
  assert.equal(costOf("history", historyRequest({ with: "ben", limit: 200 })), 5);
  assert.equal(costOf("listPins", { with: "ben", beforePosition: 0, limit: 0 }), 2);
});

Deno.test("a search costs more than a page", () => {
  assert.ok(costOf("search", { query: "word", beforePosition: 0, limit: 1 }) > 10);
});

Deno.test("a page beyond the largest is refused, and costs as much as the largest", () => {
  assert.equal(costOf("listUsers", { after: "", limit: 0xffff_ffff }), 21);
});

Deno.test("a session's requests wait until their user's allowance suffices", async () => {
  await using test = await TestChat.open({ rate: { perSecond: 100, burst: 21 } });
  const ana = await TestSession.open(test, (await test.logIn("ana")).token);
  const largePage = { $case: "listUsers", value: { after: "", limit: 1_000 } } as const;
  const [first, second] = ana.request(largePage, largePage);
  await ana.reply(first);
  test.clock.advance(200);
  await turns(20);
  assert.equal(ana.replies.some(({ requestId }) => requestId === second), false);
  test.clock.advance(10);
  assert.equal((await ana.reply(second)).$case, "listUsers");
});

Deno.test("opening the full-screen client costs less than a twentieth of a user's burst", async () => {
  await using test = await startTestGrpcServer({ rate: { perSecond: 0.001, burst: standardRate.burst / 20 } });
  const register = (user: string) =>
    test.chat.accounts.register({ user, password: "correct horse", invite: "", deviceName: "", address: user });
  const { token } = await register("ana");
  const names = Array.from({ length: 120 }, (_, index) => `user-${index + 100}`);
  for (const name of names) {
    await register(name);
    await sendMessage(test.chat, name, { to: "ana", id: createMessageId(), text: `hello from ${name}` });
  }
  using terminal = new EmulatedTerminal({ columns: 80, rows: 24 });
  const transport = new GrpcTransport({ host: "127.0.0.1", port: test.server.port, callback: false });
  const palette = choosePalette({ noColor: undefined, term: "xterm-256color" });
  const chat = new TerminalChat({
    face: (context) => new FullScreenFace(context, { device: terminal, palette, address: transport.address }),
    user: "ana",
    to: names[0],
    preferences: { read: () => ({}), update: () => {} },
    client: (onEvent) => new ChatClient({ transport, token, client: "test", onEvent }),
    keepCredentials: () => Promise.resolve(),
    loggedOut: () => Promise.resolve(),
  });
  const running = chat.run();
  const sees = (expected: RegExp) => eventually(() => expected.test(terminal.lines.join("\n")));
  await sees(/hello from user-100/);
  await sees(/user-101 +1│/);
  terminal.hangUp();
  await running;
});
