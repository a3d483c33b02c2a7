import { lockFolder } from "../../src/store/folder_lock.ts";
import { openStore } from "../../src/store/open_store.ts";
import { acceptedMessage, directAppend, userRecord } from "../support/servers/stored_messages.ts";

// Appends to the store in the folder given as its argument until it is killed, and prints each accepted entry:
// "position conversation seq id".
const users = ["ana", "ben", "cleo"];
const folder = Deno.args[0];
using _lock = lockFolder(folder);
using store = openStore({ folder });
for (const name of users) await store.accounts.addUser(userRecord(name));
store.beginServing();
store.indexer.start();

while (true) {
  // Lets the indexer take turns in between.
  await new Promise((resolve) => setTimeout(resolve));
  const appends = Array.from({ length: 1 + Math.floor(Math.random() * 20) }, () => {
    const [from, to] = [0, 1].map(() => users[Math.floor(Math.random() * users.length)]);
    return directAppend(from, to, { text: "x".repeat(1 + Math.floor(Math.random() * 4_000)) });
  });
  const results = await store.messages.commit(appends);
  const lines = results.map(acceptedMessage).map(({ position, conversation, seq, id, sender }) => {
    return `${position} ${conversation} ${seq} ${id} ${sender}\n`;
  });
  // Less than PIPE_BUF (pipe(7)): a kill leaves no partial line.
  Deno.stdout.writeSync(new TextEncoder().encode(lines.join("")));
}
