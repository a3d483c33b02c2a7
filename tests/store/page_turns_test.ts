import assert from "node:assert/strict";
import type { Message } from "../../src/core/messages/message.ts";
import type { ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import type { Turn } from "../../src/core/page_turns.ts";
import type { OpenedStore } from "../contract/message_store.ts";
import { openPostgresStore } from "../support/databases/postgres_store.ts";
import { accept, directAppend, userRecord, wholeLog } from "../support/servers/stored_messages.ts";
import { openTemporaryStore } from "../support/servers/temporary_store.ts";

const others = Array.from({ length: 20 }, (_, index) => `user-${index}`);
const limits = { maxBytes: 1_000_000 };
/** Commits during one page at most: each writes to the disk. */
const mostCommits = 40;

/** Reads a page, during which `happens` is called again and again. */
type ReadDuring = <T>(happens: () => Promise<unknown>, read: (turn: Turn) => Promise<T>) => Promise<T>;

/** Calls it at each turn of a store that makes pages in turns: an entry or a conversation of a page takes one. */
const betweenTurns: ReadDuring = async (happens, read) => {
  let count = 0;
  const next = async () => {
    if (count++ < mostCommits) await happens();
  };
  const page = await read({ isOver: true, next });
  assert.ok(count > 0, "no turn was taken");
  return page;
};

/** Calls it until the page is read. */
const meanwhile: ReadDuring = async (happens, read) => {
  let isRead = false;
  const result = read({ isOver: true, next: () => Promise.resolve() }).finally(() => isRead = true);
  for (let count = 0; !isRead && count < mostCommits; count++) await happens();
  return await result;
};

function suite(
  name: string,
  { open, readDuring }: { open: () => OpenedStore | Promise<OpenedStore>; readDuring: ReadDuring },
): void {
  /** On a log of ana with others, with one message per conversation. */
  function test(behaviour: string, run: (messages: ExclusiveMessageStore) => Promise<void>): void {
    Deno.test(`${name}: ${behaviour}`, async () => {
      const { messages, accounts, close } = await open();
      try {
        for (const user of ["ana", ...others]) await accounts.addUser(userRecord(user));
        for (const other of others) await accept(messages, directAppend(other, "ana", { text: `from ${other}` }));
        await run(messages);
      } finally {
        await close();
      }
    });
  }

  test("pages of the list contain each conversation once, even if the last one of a page gets messages meanwhile", async (messages) => {
    const happens = () => accept(messages, directAppend("user-14", "ana"));
    const listed: string[] = [];
    for (let beforePosition = 0, more = true; more;) {
      const page = await readDuring(happens, (turn) => {
        return messages.conversationsOf("ana", { beforePosition, limit: 6, ...limits, turn });
      });
      listed.push(...page.conversations.map(({ conversation }) => conversation));
      beforePosition = page.conversations.at(-1)!.position;
      more = page.more;
    }
    const newestFirst = others.map((other) => `ana:${other}`).reverse();
    assert.deepEqual(listed.toSorted(), newestFirst.toSorted());
    const stays = (conversation: string) => conversation !== "ana:user-14";
    assert.deepEqual(listed.filter(stays), newestFirst.filter(stays));
  });

  test("a page of history ends at the head that it states, whatever is appended meanwhile", async (messages) => {
    for (let number = 1; number < 10; number++) await accept(messages, directAppend("user-0", "ana"));
    const happens = () => accept(messages, directAppend("user-0", "ana"));
    const page = await readDuring(happens, (turn) => {
      return messages.history("ana", "ana:user-0", { ...wholeLog, limit: 5, ...limits, turn });
    });
    const { firstSeq, lastSeq, headSeq, more, moreAfter } = page!;
    assert.ok(headSeq >= 10);
    assert.deepEqual(
      page!.messages.map(({ seq }) => seq),
      Array.from({ length: 5 }, (_, index) => headSeq - 4 + index),
    );
    assert.deepEqual([firstSeq, lastSeq, more, moreAfter], [headSeq - 4, headSeq, true, false]);
  });

  test("batches of a backlog contain each message once and in order, even if others are sent meanwhile", async (messages) => {
    let left = 60;
    const happens = async () => {
      if (left-- > 0) await accept(messages, directAppend(others[left % others.length], "ana", { text: "more" }));
    };
    const read: Message[] = [];
    for (let after = 0; left > 0 || after < messages.head;) {
      const batch = await readDuring(
        happens,
        (turn) => messages.messagesAfter("ana", after, { limit: 7, ...limits, turn }),
      );
      assert.ok(batch.messages.every(({ position }) => position > after && position <= batch.through));
      read.push(...batch.messages);
      after = batch.through;
    }
    const all = Array.from({ length: others.length + 60 }, (_, index) => index + 1);
    assert.deepEqual(read.map(({ position }) => position), all);
  });
}

suite("sqlite", { open: openTemporaryStore, readDuring: betweenTurns });
suite("postgres", { open: openPostgresStore, readDuring: meanwhile });
