/** The script commands as separate processes, over gRPC. */
import assert from "node:assert/strict";
import { ServerProcess } from "../support/processes/server_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { jsonLines, type ScriptUser } from "../support/processes/script_user.ts";
import { withUsers } from "../support/processes/with_users.ts";

Deno.test("send sends words, stdin, lines and files, and prints accepted messages", async () => {
  await withUsers(async ({ ana, ben, folder }) => {
    const words = await ana.run(["send", "--to", "ben", "--json", "hello", "ben"]);
    assert.equal(words.code, 0, words.stderr);
    const [accepted] = jsonLines(words.stdout);
    const { id, position, acceptedAtMs, ...rest } = accepted;
    assert.match(String(id), /^[0-9a-f-]{36}$/);
    assert.ok(Number(position) > 0 && Math.abs(Number(acceptedAtMs) - Date.now()) < 600_000);
    assert.deepEqual(rest, {
      conversation: "ana:ben",
      address: "ben",
      seq: "1",
      sender: "ana",
      own: true,
      text: "hello ben",
    });
    assert.deepEqual(await ana.run(["send", "--to", "ben", "--reply-to", "1"], "two\nlines\n"), {
      code: 0,
      stdout: "",
      stderr: "",
    });
    const lines = await ana.run(["send", "--to", "ben", "--lines", "--json"], "one\n\nthree");
    assert.deepEqual(jsonLines(lines.stdout).map(({ text }) => text), ["one", "three"]);
    Deno.writeTextFileSync(`${folder}/report.csv`, "a,b\n");
    assert.equal((await ana.run(["send", "--to", "ben", "--file", `${folder}/report.csv`])).code, 0);
    const refused = await ana.run(["send", "--to", "nobody", "x"]);
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /^chatd: There is no user "nobody"/);
    const hidden = await ana.run(["send", "--to", "ben", "--file", `${folder}/nothing`]);
    assert.deepEqual([hidden.code, hidden.stdout], [1, ""]);
    assert.equal((await ana.run(["send", "hello"])).code, 2);
    assert.equal((await ana.run(["send", "--to", "ben"], "")).code, 1, "nothing is no message");

    const history = await ben.run(["history", "--with", "ana", "--json"]);
    const entries = jsonLines(history.stdout);
    assert.deepEqual(entries.map(({ text, replyToSeq }) => [text, replyToSeq]), [
      ["hello ben", undefined],
      ["two\nlines", "1"],
      ["one", undefined],
      ["three", undefined],
      [undefined, undefined],
    ]);
    assert.equal((entries[4].attachment as { name: string }).name, "report.csv");
    assert.deepEqual([entries[0].own, entries[0].address], [undefined, "ana"]);
    const older = await ben.run(["history", "--with", "ana", "--limit", "2", "--before", "4"]);
    assert.match(
      older.stdout,
      /^\d{4}-\d\d-\d\d \d\d:\d\d \[ana\] 2 ana: \(to 1\) two\n {4}lines\n.* \[ana\] 3 ana: one\n$/,
    );
  });
});

Deno.test("pins adds, prints and removes the pins of a conversation", async () => {
  await withUsers(async ({ ana, ben }) => {
    for (const text of ["the door code", "hello"]) assert.equal((await ana.run(["send", "--to", "ben", text])).code, 0);
    const add = (user: ScriptUser, to: string, seq: string) => user.run(["pins", "add", to, seq]);
    assert.deepEqual(await add(ana, "ben", "1"), { code: 0, stdout: "", stderr: "chatd: Pinned message 1 of ben.\n" });
    assert.deepEqual(await add(ben, "ana", "1"), {
      code: 0,
      stdout: "",
      stderr: "chatd: Message 1 of ana is already pinned.\n",
    });
    assert.equal((await add(ben, "ana", "2")).code, 0);
    const [last, first] = jsonLines((await ana.run(["pins", "--with", "ben", "--json"])).stdout);
    const { pinnedAtMs, ...pin } = last;
    assert.ok(Math.abs(Number(pinnedAtMs) - Date.now()) < 600_000);
    assert.deepEqual([pin.text, pin.seq, pin.pinned, pin.pinnedBy, pin.address], ["hello", "2", true, "ben", "ben"]);
    assert.deepEqual([first.text, first.pinnedBy], ["the door code", "ana"]);
    const text = await ben.run(["pins", "--with", "ana"]);
    assert.match(text.stdout, /^.* \[ana\] 2 ana: hello\n.* \[ana\] 1 ana: the door code\n$/);
    const history = jsonLines((await ben.run(["history", "--with", "ana", "--events", "--json"])).stdout);
    assert.deepEqual(history.map(({ pinned, event }) => pinned ?? event), [
      true,
      true,
      { pinned: { seq: "1" } },
      { pinned: { seq: "2" } },
    ]);
    const removed = await ana.run(["pins", "remove", "ben", "2"]);
    assert.deepEqual([removed.code, removed.stderr], [0, "chatd: Removed the pin of message 2 of ben.\n"]);
    const again = await ana.run(["pins", "remove", "ben", "2"]);
    assert.deepEqual([again.code, again.stderr], [1, "chatd: The message is not pinned.\n"]);
    assert.equal((await ben.run(["pins", "add", "ana", "x"])).code, 2);
    assert.equal((await ben.run(["pins"])).code, 2);
  });
});

Deno.test("send retries until the server answers or the timeout ends", async () => {
  await withUsers(async ({ ana, ben, server, folder }) => {
    server.kill("SIGKILL");
    await server.ended();
    const late = await ana.run(["send", "--to", "ben", "--timeout", "1s", "too late"]);
    assert.equal(late.code, 4);
    await using sending = ana.start("send", "--to", "ben", "--timeout", "10m", "in time");
    await sending.line(/^chatd: Waiting for 127\.0\.0\.1:\d+: connection refused\.$/);
    await using _again = await ServerProcess.start({ folder: `${folder}/data`, port: server.port });
    assert.equal((await sending.status).code, 0, sending.lines.join("\n"));
    const found = await ben.run(["history", "--with", "ana", "--json"]);
    assert.deepEqual(jsonLines(found.stdout).map(({ text }) => text), ["in time"]);
  });
});

Deno.test("users, rooms and search print their results", async () => {
  await withUsers(async ({ ana, ben }) => {
    const users = await ben.run(["users", "--json"]);
    assert.deepEqual(jsonLines(users.stdout).map(({ name }) => name), ["ana", "ben"]);
    assert.match((await ben.run(["users"])).stdout, /^ana\t\w+\nben\t\w+\n$/);
    assert.deepEqual(await ben.run(["rooms", "--json"]), { code: 0, stdout: "", stderr: "" });
    await ana.run(["send", "--to", "ben", "a needle in the hay"]);
    await ana.run(["send", "--to", "ben", "\u009b31m hay\u202e only"]);
    let found = "";
    await eventually(async () =>
      (found = (await ben.run(["search", "--json", "hay"])).stdout).split("\n").length === 3
    );
    assert.deepEqual(jsonLines(found).map(({ seq }) => seq), ["2", "1"]);
    assert.equal(jsonLines(found)[0].text, "\u009b31m hay\u202e only");
    assert.doesNotMatch(found, /[\u0080-\u009f\u202a-\u202e]/, "nothing can harm a terminal");
    const narrow = await ben.run(["search", "--", "hay", "-only", "from:ana"]);
    assert.match(narrow.stdout, /^.*\[ana\] 1 ana: a needle in the hay\n$/);
  });
});
