import assert from "node:assert/strict";
import { ChatError } from "../../src/core/chat_error.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { DirectMessages } from "../../src/gen/chatd/v1/settings.ts";
import { fileHandlers } from "../../src/session/file_handlers.ts";
import { answer } from "../../src/session/request_handlers.ts";
import type { RequestContext } from "../../src/session/request_types.ts";
import { TestChat } from "../support/servers/test_chat.ts";

/** Returns how many of a thousand requests without a pause are accepted. */
async function taken(request: (context: RequestContext, test: TestChat, round: number) => Promise<unknown>) {
  await using test = await TestChat.open();
  const context = { chat: test.chat, identity: await test.identify("ana") };
  const counts = { taken: 0, limited: 0 };
  for (let round = 0; round < 1_000; round++) {
    try {
      await request(context, test, round);
      counts.taken++;
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== "rate_limited") throw error;
      counts.limited++;
    }
  }
  test.clock.advance(60_000);
  await request(context, test, 1);
  return counts.taken;
}

Deno.test("a user's writes outside the commit queue are limited", async () => {
  const blocks = await taken((context, _test, round) =>
    answer("blockUser", context, { user: "ben", unblock: round % 2 === 1 })
  );
  const settings = await taken((context, _test, round) =>
    answer("updateSettings", context, {
      readReceipts: round % 2 === 0,
      directMessages: DirectMessages.UNSPECIFIED,
    })
  );
  const uploads = await taken(async (context, { clock }) => {
    const id = createMessageId(clock.now());
    await fileHandlers.beginUpload(context, { id, name: "a", mediaType: "", size: 1, sha256: new Uint8Array(32) });
    // The content differs from the announced file, and so does not count as unfinished.
    await fileHandlers.uploadChunk(context, { id, offset: 0, bytes: Uint8Array.of(1) }).catch((error) => {
      if (!(error instanceof ChatError) || error.code !== "invalid_argument") throw error;
    });
  });
  for (const count of [blocks, settings, uploads]) assert.ok(count >= 50 && count <= 150, `${count} were taken`);
});
