import assert from "node:assert/strict";
import { waitingNote } from "../../src/client/waiting_note.ts";
import { ChatError } from "../../src/core/chat_error.ts";

Deno.test("waitingNote() names the address once, with the reason as a sentence", () => {
  const address = "127.0.0.1:50051";
  const note = (message: string) => waitingNote(address, new ChatError("unavailable", message));
  assert.equal(
    note("Cannot reach the server at 127.0.0.1:50051: connection refused."),
    "Waiting for 127.0.0.1:50051: connection refused.",
  );
  assert.equal(
    note("No RabbitMQ listens at 127.0.0.1:50051: start it"),
    "Waiting for 127.0.0.1:50051: No RabbitMQ listens at 127.0.0.1:50051: start it.",
  );
  assert.equal(waitingNote(address), "Waiting for 127.0.0.1:50051: no answer yet.");
});
