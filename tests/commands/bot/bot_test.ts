import assert from "node:assert/strict";
import type { ChatClient } from "../../../src/client/chat_client.ts";
import { Bot, type BotOptions } from "../../../src/commands/bot/bot.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import { createMessageId, messageIdTime } from "../../../src/core/messages/message_id.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

interface Sent {
  readonly to: string;
  readonly text: string;
  readonly id: string;
}

const room = `+${"a".repeat(26)}`;
let position = 0;

function message(change: Partial<Message> = {}): Message {
  position++;
  return {
    position,
    seq: position,
    ordinal: position,
    conversation: "ana:bot",
    id: createMessageId(),
    sender: "ana",
    text: "hello",
    acceptedAt: 1_700_000_000_000,
    ...change,
  };
}

/** A bot that records its answers; `refuse` returns the server's error for an answer. */
function startBot(options: Partial<BotOptions>, refuse: (sent: Sent) => ChatError | undefined = () => undefined) {
  const sent: Sent[] = [];
  const failures: ChatError[] = [];
  const bot = new Bot({
    user: "bot",
    name: "default",
    command: ["cat"],
    env: {},
    concurrency: 4,
    timeoutMs: 60_000,
    only: undefined,
    mentionsOnly: false,
    onFailed: (error) => failures.push(error),
    ...options,
  });
  const client = {
    state: { kind: "connecting" },
    send(to: string, text: string, { id, automatic }: { id: string; automatic: boolean }) {
      assert.equal(automatic, true);
      const answer = { to, text, id };
      const refusal = refuse(answer);
      if (refusal !== undefined) return Promise.reject(refusal);
      sent.push(answer);
      return Promise.resolve();
    },
  };
  bot.client = client as unknown as ChatClient;
  return { bot, sent, failures };
}

Deno.test("a bot answers people in its conversations, but neither itself nor bots", async () => {
  const { bot, sent } = startBot({ mentionsOnly: true, only: new Set(["ana:bot", room]) });
  const passed = [
    message({ sender: "bot" }),
    message({ automatic: true }),
    message({ deleted: true, text: "" }),
    message({ withheld: true, text: "" }),
    message({ event: { kind: "joined" }, conversation: room }),
    message({ conversation: "ben:bot", sender: "ben" }),
    message({ conversation: room, text: "to nobody" }),
    message({ conversation: room, text: "to @bots" }),
  ];
  await Promise.all(passed.map((each) => bot.take(each)));
  assert.deepEqual(sent, []);
  await bot.take(message());
  await bot.take(message({ conversation: room, text: "you, @bot?" }));
  assert.deepEqual(sent.map(({ to, text }) => [to, text]), [["ana", "hello"], [room, "you, @bot?"]]);
});

Deno.test("the id of an answer depends on the message and the bot", async () => {
  const each = message();
  const ids: string[] = [];
  for (const name of ["one", "one", "two"]) {
    const { bot, sent } = startBot({ name });
    await bot.take(each);
    ids.push(sent[0].id);
  }
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[0], ids[2]);
  assert.equal(messageIdTime(ids[0]), each.acceptedAt);
});

Deno.test("commands run one at a time per conversation, and up to the limit in total", async () => {
  using folder = temporaryFolder();
  const running = () => [...Deno.readDirSync(folder.path)].filter(({ name }) => name.endsWith(".runs")).length;
  // Runs until a file exists.
  const script = 'read line; touch "$DIR/$line.runs"; until [ -e "$DIR/$line" ]; do sleep 0.05; done; echo "$line"';
  const { bot, sent } = startBot({
    command: ["sh", "-c", script],
    env: { DIR: folder.path },
    concurrency: 2,
  });
  const people = ["a1", "a2", "b1", "c1"].map((text) =>
    bot.take(message({ text, conversation: `bot:user-${text[0]}`, sender: `user-${text[0]}` }))
  );
  const allow = (text: string) => Deno.writeTextFileSync(`${folder.path}/${text}`, "");
  await eventually(() => running() === 2);
  allow("b1");
  await people[2];
  await eventually(() => running() === 3, () => `${running()}`);
  assert.ok(![...Deno.readDirSync(folder.path)].some(({ name }) => name === "a2.runs"), "a1 is not answered yet");
  for (const text of ["a1", "a2", "c1"]) allow(text);
  await Promise.all(people);
  const ofOne = sent.filter(({ to }) => to === "user-a").map(({ text }) => text);
  assert.deepEqual(ofOne, ["a1", "a2"]);
});

Deno.test("a message is done when its answer was accepted before, or is refused permanently", async () => {
  const codes = ["message_id_conflict", "permission_denied"] as const;
  for (const code of codes) {
    const { bot, sent, failures } = startBot({}, () => new ChatError(code, "No."));
    await bot.take(message());
    assert.deepEqual([sent, failures], [[], []]);
  }
});

Deno.test("a stopped bot leaves unanswered messages, and ends its commands", async () => {
  using folder = temporaryFolder();
  const pidFile = `${folder.path}/pid`;
  const { bot, sent } = startBot({
    command: ["sh", "-c", `echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; sleep 600; echo late`],
  });
  let isDone = false;
  void bot.take(message()).then(() => isDone = true);
  void bot.take(message()).then(() => isDone = true);
  const exists = () => {
    try {
      return Deno.statSync(pidFile).isFile;
    } catch {
      return false;
    }
  };
  await eventually(exists);
  await bot.kill();
  assert.deepEqual([isDone, sent], [false, []]);
  const pid = Number(Deno.readTextFileSync(pidFile));
  assert.throws(() => Deno.statSync(`/proc/${pid}`), Deno.errors.NotFound);
});

Deno.test("a command that cannot be started fails the bot, and its message stays unanswered", async () => {
  const { bot, failures } = startBot({ command: ["/nowhere/at/all"] });
  let isDone = false;
  void bot.take(message()).then(() => isDone = true);
  await eventually(() => failures.length === 1);
  assert.match(failures[0].message, /Cannot run "\/nowhere\/at\/all"/);
  assert.equal(isDone, false);
});
