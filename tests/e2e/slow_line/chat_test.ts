/**
 * The chat on both faces, over a line of 400 ms each way to a server in memory: the tests of all files that use that
 * server, once more.
 */
import { readdirSync, readFileSync } from "node:fs";
import { slowDownLines } from "../../support/proxies/slow_line.ts";
import { testConcurrently } from "../../support/waiting/concurrent_tests.ts";

const folder = new URL("../../terminal/", import.meta.url);
const usesServer = /support\/(servers\/(chat_at_terminal|three_conversations)|fakes\/fake_chat_server)\.ts"/;

slowDownLines(400);
await testConcurrently("the chat over a slow line", async () => {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("_test.ts"));
  for (const name of files.sort()) {
    const file = new URL(name, folder);
    if (usesServer.test(readFileSync(file, "utf8"))) await import(file.href);
  }
});
