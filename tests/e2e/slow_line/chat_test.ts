/** The chat on both faces, over a line of 400 ms each way to a server in memory: all tests of the files, once more. */
import { slowDownLines } from "../../support/proxies/slow_line.ts";
import { testConcurrently } from "../../support/waiting/concurrent_tests.ts";

slowDownLines(400);
await testConcurrently("the chat over a slow line", async () => {
  await import("../../terminal/chat/terminal_chat_test.ts");
  await import("../../terminal/chat/chat_end_test.ts");
  await import("../../terminal/chat/sending/recipient_property_test.ts");
  await import("../../terminal/pipe_test.ts");
  await import("../../terminal/chat/conversations/conversation_switch_test.ts");
  await import("../../terminal/chat/person/present_person_test.ts");
  await import("../../terminal/full_screen/full_screen_face_test.ts");
  await import("../../terminal/line/line_face_test.ts");
});
