import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { RequestKind } from "./received_frames.ts";
import type { TestChat } from "./test_chat.ts";
import { TestSession } from "./test_session.ts";
import { sendRequest } from "./wire_values.ts";

export const ping: RequestKind = { $case: "ping", value: {} };

export function send(test: TestChat, to: string, text = "hello", id = createMessageId(test.clock.now())): RequestKind {
  return { $case: "send", value: sendRequest({ to, text, id }) };
}

/** Opens a session of a new device of a user. */
export async function open(test: TestChat, user: string, options: Parameters<typeof TestSession.open>[2] = {}) {
  return await TestSession.open(test, (await test.logIn(user)).token, options);
}
