import assert from "node:assert/strict";
import { ConversationNames } from "../../../src/terminal/chat/conversations/conversation_names.ts";
import { takePath } from "../../../src/terminal/commands/file_commands.ts";
import { chooseStyle } from "../../../src/terminal/text/style.ts";
import { formatBytes } from "../../../src/terminal/text/byte_size.ts";
import { Transcript } from "../../../src/terminal/text/transcript.ts";
import { Transfers } from "../../../src/terminal/chat/transfers.ts";
import { ChatError } from "../../../src/core/chat_error.ts";

Deno.test("a path is the first word or a quoted string, and the text comes after it", () => {
  const cases: [string, string, string][] = [
    ["notes.txt", "notes.txt", ""],
    ["  notes.txt  look at this ", "notes.txt", "look at this "],
    ['"my notes.txt" look', "my notes.txt", "look"],
    ["'my notes.txt'", "my notes.txt", ""],
    ["my\\ notes.txt look", "my notes.txt", "look"],
    ["C:\\Users\\ana\\notes.txt", "C:\\Users\\ana\\notes.txt", ""],
    ['un"closed', 'un"closed', ""],
    ["a\nb", "a", "b"],
    ["", "", ""],
    ["   ", "", ""],
  ];
  for (const [typed, path, rest] of cases) assert.deepEqual(takePath(typed), { path, rest }, typed);
});

Deno.test("sizes are said in the unit that suits them", () => {
  const sizes: [number, string][] = [[0, "0 bytes"], [1, "1 byte"], [1023, "1023 bytes"], [1024, "1.0 KiB"]];
  sizes.push([1_258_291, "1.2 MiB"], [10 * 1024 ** 2, "10.0 MiB"], [3 * 1024 ** 3, "3.0 GiB"], [2 ** 53, "8192.0 TiB"]);
  for (const [bytes, said] of sizes) assert.equal(formatBytes(bytes), said);
});

Deno.test("a message's file is shown with how to save it, and can do nothing to the terminal", () => {
  const transcript = new Transcript({
    me: "ana",
    names: new ConversationNames("ana"),
    style: chooseStyle({ noColor: undefined, term: "dumb" }),
  });
  const attachment = { name: "report.pdf", mediaType: "application/pdf", size: 1_258_291, sha256: "ab".repeat(32) };
  const message = {
    position: 5,
    conversation: "ana:ben",
    seq: 12,
    acceptedAt: 0,
    id: "",
    sender: "ben",
    text: "",
    ordinal: 1,
    attachment,
  };
  const shown = (change: object, current = "ana:ben") =>
    transcript.message({ ...message, ...change }, current).filter((line) => !line.startsWith("---")).join("\n");
  assert.match(shown({}), /12 ben: \[file report\.pdf, 1\.2 MiB, \/save 12\]$/);
  assert.match(shown({ text: "look" }), /12 ben: look\n {6}\[file report\.pdf, 1\.2 MiB, \/save 12\]$/);
  assert.match(shown({}, "ana:cat"), /\[ben\] ben: \[file report\.pdf, 1\.2 MiB\]$/);
  assert.doesNotMatch(shown({ deleted: true }), /report/);
  assert.match(shown({ attachment: { ...attachment, name: "a\x1b[2Jb" } }), /\[file a␛\[2Jb,/);
});

Deno.test("transfers show their progress and result, and end with the chat", async () => {
  const stop = new AbortController();
  const told: string[] = [];
  let shown: string[] = [];
  const transfers: Transfers = new Transfers({
    signal: stop.signal,
    changed: () => shown = transfers.lines,
    done: (text) => told.push(text),
    failed: (text) => told.push(text),
  });
  const first = Promise.withResolvers<string | undefined>();
  transfers.start("sending a\x1bb", ({ onProgress }) => {
    onProgress?.(512, 2048);
    return first.promise;
  });
  assert.deepEqual(shown, ["  sending a␛b, 25 % of 2.0 KiB"]);
  transfers.start("saving c", () => Promise.reject(new ChatError("already_exists", "It is there.")));
  first.resolve("Sent.");
  await transfers.ended();
  assert.deepEqual([told.toSorted(), shown], [["Saving c failed: It is there.", "Sent."], []]);
  transfers.start(
    "sending d",
    ({ signal }) =>
      new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted")))),
  );
  stop.abort();
  await transfers.ended();
  assert.deepEqual(told.slice(2), ["Sending d was cancelled."]);
});
