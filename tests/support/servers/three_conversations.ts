import assert from "node:assert/strict";
import type { Conversation } from "../../../src/gen/chatd/v1/chat.ts";
import type { FakeChatServer } from "../fakes/fake_chat_server.ts";
import { type ChatAtTerminal, type ChatSetup, chatting, faceNames, serverWithHistory } from "./chat_at_terminal.ts";
import { wireRoom } from "./wire_values.ts";
import { eventually } from "../waiting/eventually.ts";

/** Alt and a key. */
export const alt = (key: string) => `\x1b${key}`;

/** A public room with ana in it. */
export function room(name = "ops"): Conversation {
  return wireRoom({}, { name, public: true });
}

/** Tests a behaviour with every face: ana is with ben, and cat and dan are the second and third of the list. */
export function test(
  behaviour: string,
  use: (chat: ChatAtTerminal) => Promise<void>,
  setup: Partial<ChatSetup> = {},
): void {
  for (const face of faceNames) {
    Deno.test(`${behaviour} (${face})`, () =>
      chatting({ face, server: serverOfThree(), to: "ben", columns: 100, rows: 40, ...setup }, async (chat) => {
        await chat.isIn(setup.to ?? "ben");
        await use(chat);
      }));
  }
}

/** A server with messages of ben, cat and dan, the first of the list. */
export function serverOfThree(): FakeChatServer {
  const server = serverWithHistory(5);
  server.users.add("dan");
  server.log = [];
  server.append("dan", "ana", "dan was here");
  server.append("ana", "cat", "old news");
  for (let i = 1; i <= 5; i++) server.append("ben", "ana", `news ${i}.`);
  server.moveCursor("ana/", server.head);
  return server;
}

/** Waits until a text was sent, once, and to this conversation. */
export async function isSent(chat: ChatAtTerminal, text: string, conversation: string): Promise<void> {
  const found = () => chat.server.log.filter((message) => message.text === text);
  await eventually(() => found().length > 0, () => `${text} in\n${chat.seen}`);
  assert.deepEqual(found().map((message) => message.conversation), [conversation]);
}
