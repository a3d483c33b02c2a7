import assert from "node:assert/strict";
import fc from "fast-check";
import type { LogEvent } from "../../src/core/messages/log_event.ts";
import { directConversation, type Message } from "../../src/core/messages/message.ts";
import type { Append } from "../../src/core/messages/message_store.ts";
import type { SearchRequest } from "../../src/core/search/message_search.ts";
import { isRoomId, memberRoles } from "../../src/core/rooms/room.ts";
import { propertyLimits } from "../support/checks/property_limits.ts";
import { ModelledPostgres } from "../support/databases/modelled_postgres.ts";
import { ModelledSqlite } from "../support/servers/modelled_sqlite.ts";
import { type LogOfModel, ModelledStore } from "../support/servers/modelled_store.ts";
import { wholeLog } from "../support/servers/stored_messages.ts";

const users = ["ana", "ben", "cleo", "dan"];
const rooms = ["+" + "a".repeat(26), "+" + "b".repeat(26)];
const conversations = [...rooms, "ana:ben", "ben:cleo", "dan:dan"];
const emoji = ["👍", "🎉", "😀"];

const step = fc.record({
  action: fc.oneof(
    { weight: 6, arbitrary: fc.constant("say") },
    {
      weight: 8,
      arbitrary: fc.constantFrom("join", "leave", "invite", "remove", "ban", "unban", "promote", "topic", "change"),
    },
    { weight: 5, arbitrary: fc.constantFrom("edit", "delete", "react", "unreact") },
    { weight: 4, arbitrary: fc.constantFrom("pin", "pin", "unpin") },
    { weight: 3, arbitrary: fc.constant("edit_own") },
    { weight: 3, arbitrary: fc.constantFrom("block", "unblock", "read", "read_own") },
    { weight: 4, arbitrary: fc.constantFrom("invite", "leave") },
    { weight: 2, arbitrary: fc.constantFrom("check", "reopen", "index", "index") },
    { weight: 1, arbitrary: fc.constantFrom("write_heads", "crash") },
  ),
  user: fc.constantFrom(...users),
  other: fc.constantFrom(...users),
  conversation: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...rooms) },
    { weight: 1, arbitrary: fc.constantFrom(...conversations) },
  ),
  number: fc.nat({ max: 30 }),
  flag: fc.boolean(),
  batched: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Applies a change if the core would allow it. */
async function take(run: ModelledStore, step: Step, check: () => Promise<void>): Promise<void> {
  const { action, user, other, conversation, number, flag } = step;
  const { model } = run;
  const direct = directConversation(user, other);
  const where = isRoomId(conversation) ? conversation : direct;
  const isIn = isRoomId(where) ? model.isMember(where, user) : true;
  const event = (event: LogEvent, text = "") => run.append({ conversation: where, sender: user, text, event });
  const inRoom = isRoomId(where) && isIn;
  const otherRole = model.role(where, other);
  if (isRoomId(where) && !model.rooms.has(where)) {
    return event({ kind: "room_created", isPublic: flag, historyVisible: number % 2 === 0 }, number < 20 ? "ops" : "x");
  }
  switch (action) {
    case "say": {
      const rest = { ...(number > 25 && { replyTo: 1 }), ...naming(step, where, [other]) };
      const mark = "mentions" in rest ? "@" : "";
      if (isIn) run.append({ conversation: where, sender: user, text: `${user} ${model.head} ${mark}`, ...rest });
      return;
    }
    case "join":
      if (isRoomId(where) && !isIn && model.role(where, user) !== "banned") event({ kind: "joined" });
      return;
    case "leave":
      if (inRoom || model.role(where, user) === "invited") event({ kind: "left" });
      return;
    case "invite":
      if (inRoom && (otherRole === undefined || otherRole === "left")) event({ kind: "invited", user: other });
      return;
    case "remove":
      if (inRoom && (model.isMember(where, other) || otherRole === "invited")) {
        event({ kind: "removed", user: other, banned: false });
      }
      return;
    case "ban":
      if (inRoom && otherRole !== "banned") event({ kind: "removed", user: other, banned: true });
      return;
    case "unban":
      if (inRoom && otherRole === "banned") event({ kind: "unbanned", user: other });
      return;
    case "promote":
      if (inRoom && model.isMember(where, other)) {
        event({ kind: "role_changed", user: other, role: flag ? "moderator" : "owner" });
      }
      return;
    case "topic":
      if (inRoom) event({ kind: "topic_changed" }, `topic ${number}`);
      return;
    case "change":
      if (inRoom) {
        const mentionAll = memberRoles[number % memberRoles.length];
        event({
          kind: "room_changed",
          isPublic: flag,
          historyVisible: number % 2 === 0,
          mentionAll,
          byOperator: number > 20,
        }, "ops");
      }
      return;
    case "edit":
      if (isIn) run.append(edit(step, { conversation: where, target: targetOf(run, step, where), head: model.head }));
      return;
    case "edit_own": {
      const target = ownMessage(run, step, where);
      if (isIn && target !== undefined) run.append(edit(step, { conversation: where, target, head: model.head }));
      return;
    }
    case "delete":
      if (isIn) event({ kind: "deleted", target: targetOf(run, step, where) });
      return;
    case "react":
    case "unreact": {
      const target = targetOf(run, step, where);
      if (isIn) event({ kind: "reacted", target, emoji: emoji[number % 3], removed: action === "unreact" });
      return;
    }
    case "pin":
    case "unpin":
      if (isIn) event({ kind: "pinned", target: targetOf(run, step, where), removed: action === "unpin" });
      return;
    case "read":
    case "read_own":
      return run.read(where, user, { seq: targetOf(run, step, where) + 5, ownOnly: action === "read_own" });
    case "block":
    case "unblock":
      await run.commit();
      if (user === other) return;
      await run.store.settings[action](user, other, run.messages.head);
      return model[action](user, other);
    case "reopen":
      await run.commit();
      return run.store.reopen();
    case "crash":
      await run.commit();
      return run.store.crash();
    case "write_heads":
      await run.commit();
      return run.store.writeHeads(1 + number % 3);
    case "index":
      await run.commit();
      await run.store.indexNext(Math.max(0, run.messages.head - number));
      return;
    case "check":
      await run.commit();
      return await check();
  }
}

function targetOf(run: ModelledStore, { number }: Step, conversation: string): number {
  return Math.max(1, (run.model.logs.get(conversation)?.length ?? 0) - number % 6);
}

function ownMessage(run: ModelledStore, { user, number }: Step, conversation: string): number | undefined {
  const log = run.model.logs.get(conversation) ?? [];
  const own = log.filter(({ append, deleted }) => append.sender === user && !append.event && !deleted);
  return own.at(-1 - number % Math.max(1, own.length))?.seq;
}

function edit(
  step: Step,
  { conversation, target, head }: { conversation: string; target: number; head: number },
): Pick<Append, "conversation" | "sender" | "text" | "event" | "mentions" | "audience" | "here"> {
  const event = { kind: "edited", target } as const;
  const named = naming(step, conversation, users);
  return { conversation, sender: step.user, text: `edited ${head} ${"mentions" in named ? "@" : ""}`, event, ...named };
}

/** The members that a text with "@" names: by name, by "@room" or by "@here", or two of these. */
function naming(
  { flag, number, other, user }: Step,
  conversation: string,
  byName: readonly string[],
): Partial<Pick<Append, "mentions" | "audience" | "here">> {
  const audience = isRoomId(conversation) ? ([undefined, "room", "here"] as const)[number % 3] : undefined;
  if (!flag && audience === undefined) return {};
  const here = audience === "here" ? [user, other].slice(number % 2) : undefined;
  return { mentions: flag ? byName : [], ...(audience && { audience }), ...(here && { here: [...new Set(here)] }) };
}

const probe = fc.record({
  start: fc.double({ min: 0, max: 1, noNaN: true }),
  limit: fc.integer({ min: 1, max: 40 }),
  events: fc.boolean(),
});
type Probe = typeof probe extends fc.Arbitrary<infer T> ? T : never;

async function checkDelivery({ messages, model }: ModelledStore, user: string, { start, limit }: Probe): Promise<void> {
  const due = model.visibleTo(user);
  let position = Math.floor(start * messages.head);
  while (position < messages.head) {
    const batch = await messages.messagesAfter(user, position, { limit, maxBytes: 1_000_000 });
    assert.ok(batch.through > position && batch.through <= messages.head && batch.messages.length <= limit);
    const expected = due.filter((message) => message.position > position && message.position <= batch.through);
    assert.deepEqual(batch.messages, expected);
    position = batch.through;
  }
}

async function checkHistory(run: ModelledStore, user: string, conversation: string, probe: Probe): Promise<void> {
  const { messages, model } = run;
  const { limit, events } = probe;
  const ask = (range: Partial<typeof wholeLog>) =>
    messages.history(user, conversation, { ...wholeLog, events, limit, maxBytes: 1_000_000, ...range });
  if (!model.hasBeenIn(conversation, user)) return assert.equal(await ask({}), undefined);
  const [startSeq, headSeq] = model.extent(conversation, user);
  const all = model.visibleIn(conversation, user, { marks: true })
    .filter(({ event }) => events || event === undefined);
  const start = Math.floor(probe.start * (headSeq + 1));
  const fromMs = model.logs.get(conversation)![Math.min(start, headSeq - 1)].append.acceptedAt;
  const within = (from: number, to: number) => all.filter(({ seq }) => seq >= from && seq <= to);

  let beforeSeq = start;
  do {
    const to = beforeSeq === 0 ? headSeq : Math.min(headSeq, beforeSeq - 1);
    const page = (await ask({ beforeSeq }))!;
    assert.deepEqual([page.startSeq, page.headSeq], [startSeq, headSeq]);
    if (to < startSeq) {
      assert.deepEqual([page.messages, page.firstSeq, page.more], [[], 0, false]);
      assertMore(run, page.moreAfter, within(to + 1, headSeq));
      break;
    }
    assert.equal(page.lastSeq, to);
    assert.deepEqual(page.messages, within(page.firstSeq, to));
    assert.ok(page.messages.length <= limit && page.firstSeq >= startSeq);
    assertMore(run, page.more, within(startSeq, page.firstSeq - 1));
    assertMore(run, page.moreAfter, within(to + 1, headSeq));
    if (!page.more) break;
    assert.ok(page.firstSeq > startSeq && page.firstSeq <= to);
    beforeSeq = page.firstSeq;
  } while (true);

  for (const range of [{ afterSeq: start }, { fromMs }]) {
    let from = Math.max(startSeq, start + 1);
    let next: Partial<typeof wholeLog> = range;
    if (start === 0 && "afterSeq" in range) continue;
    while (from <= headSeq) {
      const page = (await ask(next))!;
      assert.equal(page.firstSeq, from);
      assert.deepEqual(page.messages, within(from, page.lastSeq));
      assert.ok(page.messages.length <= limit);
      assertMore(run, page.more, within(startSeq, from - 1));
      assertMore(run, page.moreAfter, within(page.lastSeq + 1, headSeq));
      if (!page.moreAfter) break;
      assert.ok(page.lastSeq >= from);
      from = page.lastSeq + 1;
      next = { afterSeq: page.lastSeq };
    }
  }
}

async function checkPins(run: ModelledStore, user: string, { conversation, limit }: Probe & { conversation: string }) {
  const { messages, model } = run;
  const found = [];
  for (let beforePosition = 0, more = true; more;) {
    const page = await messages.pinsIn(user, conversation, { beforePosition, limit, maxBytes: 1_000_000 });
    assert.ok(page.pins.length <= limit && (page.pins.length > 0 || !page.more));
    found.push(...page.pins);
    ({ more } = page);
    beforePosition = page.pins.at(-1)?.position ?? 0;
  }
  assert.deepEqual(found, model.pinsIn(conversation, user));
}

/** A store with low limits may report more entries without knowing. */
function assertMore(run: ModelledStore, said: boolean, rest: readonly Message[]): void {
  if (rest.length > 0 || run.isThorough) assert.equal(said, rest.length > 0);
}

async function checkSummaries({ messages, model }: ModelledStore, user: string, { limit }: Probe): Promise<void> {
  const expected = model.summaries(user);
  const found = [];
  let beforePosition = 0;
  while (true) {
    const page = await messages.conversationsOf(user, { beforePosition, limit, maxBytes: 1_000_000 });
    found.push(...page.conversations);
    if (!page.more) break;
    assert.equal(page.conversations.length, limit);
    beforePosition = page.conversations.at(-1)!.position;
  }
  assert.deepEqual(found.filter(({ role }) => role !== "invited"), expected.filter(({ role }) => role !== "invited"));
  for (const summary of expected) {
    assert.deepEqual(await messages.conversationOf(user, summary.conversation), summary);
  }
  const peers = await messages.peersAmong(user, new Set(users));
  assert.deepEqual(peers.toSorted(), users.filter((other) => model.peersOf(user).has(other)));
}

type SearchProbe = Partial<Omit<SearchRequest, "terms" | "excluded">> & {
  readonly terms: readonly string[];
  readonly excluded?: readonly string[];
};

async function checkSearch(
  { messages, model, store }: ModelledStore,
  user: string,
  { start, limit }: Probe,
): Promise<void> {
  const searches: SearchProbe[] = users.flatMap((name) => [
    { terms: [name] },
    { terms: ["edited"], sender: name },
    { terms: [], excluded: [name, "edited"] },
    { terms: [], conversation: conversations[Math.floor(start * conversations.length)] },
  ]);
  searches.push(
    { terms: [], isUnread: true },
    { terms: [], mentionsMe: true },
    { terms: [], mentionsMe: true, isUnread: true },
  );
  const readSeqs = new Map(model.summaries(user).map(({ conversation, readSeq }) => [conversation, readSeq]));
  // The filters find what the counts of unread messages and mentions count.
  const isListed = (message: Message, { mentionsMe, isUnread }: { mentionsMe?: boolean; isUnread?: boolean }) => {
    if (!mentionsMe && !isUnread) return true;
    const seq = mentionsMe ? model.mentionedAt(message, user) : message.seq;
    return message.sender !== user && seq !== undefined && (!isUnread || seq > readSeqs.get(message.conversation)!);
  };
  const has = (text: string, word: string) => text.split(" ").includes(word);
  for (const { terms, excluded = [], sender, conversation, ...filters } of searches) {
    const expected = model.visibleTo(user).filter((message) =>
      message.position <= store.indexedThrough && message.event === undefined && !message.deleted &&
      !message.withheld &&
      terms.every((word) => has(message.text, word)) && !excluded.some((word) => has(message.text, word)) &&
      (sender === undefined || message.sender === sender) &&
      (conversation === undefined || message.conversation === conversation) && isListed(message, filters)
    ).map(({ position }) => position).reverse();
    const asTerms = (words: readonly string[]) => words.map((text) => ({ text, prefix: false }));
    const request = {
      user,
      terms: asTerms(terms),
      excluded: asTerms(excluded),
      sender,
      conversation,
      ...filters,
      limit,
    };
    const found: number[] = [];
    for (let beforePosition = 0, more = true; more;) {
      const page = await store.find({ ...request, beforePosition });
      assert.ok(page.positions.length <= limit && page.indexedThrough === store.indexedThrough);
      const read = await messages.messagesAt(user, page.positions, { maxBytes: 1_000_000 });
      assert.deepEqual(read.messages.map(({ position }) => position), page.positions);
      found.push(...page.positions);
      ({ nextBeforePosition: beforePosition, more } = page);
    }
    assert.deepEqual(found, expected);
  }
}

function property(
  name: string,
  open: () => LogOfModel | Promise<LogOfModel>,
  { numRuns, maxSteps = 150, maxProbes = 4, isThorough = true }: {
    numRuns: number;
    maxSteps?: number;
    maxProbes?: number;
    isThorough?: boolean;
  },
): void {
  Deno.test(`${name}: each user sees the same entries as in the model`, async () => {
    const steps = fc.array(step, { minLength: 1, maxLength: maxSteps, size: "max" });
    const probes = fc.array(probe, { minLength: Math.min(2, maxProbes), maxLength: maxProbes });
    const property = fc.asyncProperty(steps, probes, async (steps, probes) => {
      await using run = new ModelledStore(await open(), { isThorough });
      await run.addUsers(users);
      const check = async () => {
        for (const user of users) {
          for (const probe of probes) {
            await checkDelivery(run, user, probe);
            for (const conversation of run.model.logs.keys()) {
              await checkHistory(run, user, conversation, probe);
              await checkPins(run, user, { ...probe, conversation });
            }
            if (run.isThorough) await checkSummaries(run, user, probe);
            await checkSearch(run, user, probe);
          }
        }
      };
      for (const step of steps) {
        await take(run, step, check);
        if (!step.batched) await run.commit();
      }
      await run.commit();
      await check();
      for (const user of users) {
        for (const [conversation, log] of run.model.logs) {
          const visible = new Map(run.model.visibleIn(conversation, user).map((message) => [message.seq, message]));
          for (const { seq } of log) {
            assert.deepEqual(await run.messages.entry(user, conversation, seq), visible.get(seq));
          }
        }
      }
    });
    await fc.assert(property, { ...propertyLimits, numRuns });
  });
}

const byConversation = { scanWindow: 0 };
const byWindow = { scanWindow: 8, maxMerged: 1 };
const lookingAtLittle = { scanWindow: 8, maxLookedAt: 3 };

property("sqlite, as it is", () => new ModelledSqlite(), { numRuns: 40 });
property("sqlite, with a writer thread", () => new ModelledSqlite({ inThread: true }), { numRuns: 6 });
property("sqlite, by conversation", () => new ModelledSqlite(byConversation), { numRuns: 40 });
property("sqlite, window by window", () => new ModelledSqlite(byWindow), { numRuns: 40 });
property("sqlite, looking at little", () => new ModelledSqlite(lookingAtLittle), { numRuns: 40, isThorough: false });
// Each read takes several round trips.
const few = { numRuns: 8, maxSteps: 80, maxProbes: 2 };

property("postgres, as it is", () => ModelledPostgres.open(), few);
property("postgres, by conversation", () => ModelledPostgres.open(byConversation), few);
property("postgres, window by window", () => ModelledPostgres.open(byWindow), few);
property("postgres, looking at little", () => ModelledPostgres.open(lookingAtLittle), { ...few, isThorough: false });
