/**
 * Random keys, switches, delays and refusals. At the end, each text is where it was typed, or was sent to the
 * conversation whose name the prompt showed when Enter was pressed.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatError } from "../../../../src/core/chat_error.ts";
import { isRoomId } from "../../../../src/core/rooms/room.ts";
import type { ConversationRef } from "../../../../src/terminal/chat/conversations/conversation_ref.ts";
import { FakeChatServer } from "../../../support/fakes/fake_chat_server.ts";
import { type ChatAtTerminal, chatting, type FaceName, faceNames } from "../../../support/servers/chat_at_terminal.ts";
import { wireRoom } from "../../../support/servers/wire_values.ts";
import { lineDelayMs } from "../../../support/proxies/slow_line.ts";
import { eventually } from "../../../support/waiting/eventually.ts";
import { turns } from "../../../support/waiting/turns.ts";

const others = ["ben", "cat", "dan"];

const keys = {
  up: "\x1b[A",
  down: "\x1b[B",
  "erase to start": "\x15",
  search: "\x12",
  cancel: "\x07",
  "back to the last": "\x1b`",
  "back from a jump": "\x1bJ",
  below: "\x1b[1;3B",
  above: "\x1b[1;3A",
} as const;

/** A draft that is longer, in UTF-16 units, may take more rows than are shown, so that the prompt is none of them. */
const longDraft = 1_000;

type Step =
  | { readonly do: "type" | "enter" | "interrupt" | "paste" | "answer yes" | "/search" }
  | { readonly do: "type, recall and enter" | "type over a recalled line" }
  | { readonly do: "key"; readonly key: keyof typeof keys }
  | { readonly do: "go" | "go, type and enter"; readonly number: number }
  | { readonly do: "/to" | "/jump" | "/msg"; readonly name: string }
  | { readonly do: "server"; readonly act: "freeze" | "thaw" | "release" | "refuse" | "accept" | "cut" }
  | { readonly do: "hold"; readonly kind: string }
  | { readonly do: "receive"; readonly from: string };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Step>({ do: "type" }) },
    { weight: 4, arbitrary: fc.constant<Step>({ do: "enter" }) },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "interrupt" }, { do: "paste" }, { do: "answer yes" }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: "/search" }) },
    {
      weight: 3,
      arbitrary: fc.constantFrom<Step>({ do: "type, recall and enter" }, { do: "type over a recalled line" }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("key" as const), key: fc.constantFrom(...typedKeys(keys)) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom("go" as const, "go, type and enter" as const),
        number: fc.integer({ min: 1, max: 4 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom("/to" as const, "/jump" as const, "/msg" as const),
        name: fc.constantFrom(...others, "#ops", "#nope", "nemo"),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("server" as const),
        act: fc.constantFrom("freeze", "thaw", "release", "refuse", "accept", "cut"),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("hold" as const),
        kind: fc.constantFrom("history", "getConversation", "send", "search"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("receive" as const), from: fc.constantFrom(...others) }) },
  ),
  { minLength: 5, maxLength: 40 },
) as fc.Arbitrary<Step[]>;

function typedKeys<K extends string>(record: Readonly<Record<K, string>>): K[] {
  return Object.keys(record) as K[];
}

function serverOfFour(): FakeChatServer {
  const server = new FakeChatServer();
  server.users.add("dan");
  server.cursor("ana/");
  for (const name of others) server.append(name, "ana", `${name} was here`);
  server.moveCursor("ana/", server.head);
  return server;
}

const room = wireRoom({}, { public: true });

/** A text that was typed, and the names of the conversations that it may be in. */
interface Typed {
  readonly token: string;
  readonly names: Set<string>;
  /** The person erased it, or never accepted it. */
  mayBeGone: boolean;
}

interface Entered {
  readonly name: string;
  readonly text: string;
}

/** What the person did, and where each text has to be after it. */
class Person {
  readonly #chat: ChatAtTerminal;
  readonly #face: FaceName;
  readonly #typed: Typed[] = [];
  readonly #entered: Entered[] = [];
  readonly #refused: Entered[] = [];
  readonly #places = new Map<string, ConversationRef>();
  #isRefusing = false;

  constructor(chat: ChatAtTerminal, face: FaceName) {
    this.#chat = chat;
    this.#face = face;
    chat.server.refuseSend = ({ to, text }) => {
      if (!this.#isRefusing) return undefined;
      this.#refused.push({ name: this.#nameOfAddress(to), text });
      return new ChatError("permission_denied", "They do not want that.");
    };
  }

  async take(step: Step): Promise<void> {
    const { server, context: { state, composers } } = this.#chat;
    if (step.do === "type") await this.#type(this.#token());
    else if (step.do === "enter") await this.#enter();
    else if (step.do === "key") await this.#press(step.key);
    else if (step.do === "interrupt" && this.#hasLine) await this.#keys("\x03");
    else if (step.do === "paste" && this.#isPlain) {
      await this.#keys(`\x1b[200~${this.#token({ mayBeGone: true })}${"x".repeat(4_000)}\x1b[201~`);
    } else if (step.do === "answer yes") await this.#keys("y");
    else if (step.do === "/search" && this.#isEmpty) await this.#keys("/search nothing\r");
    else if (step.do === "type, recall and enter") {
      await this.#type(this.#token());
      await this.#press("up");
      await this.#enter();
    } else if (step.do === "type over a recalled line") {
      await this.#press("up");
      await this.#press("erase to start");
      await this.#type(this.#token());
      await this.#press("down");
    } else if (step.do === "go") {
      const chosen = state.list.all.at(step.number - 1);
      await this.#keys(`\x1b${step.number}`);
      if (chosen !== undefined) this.#isIn(this.#nameOf(chosen));
    } else if (step.do === "go, type and enter") {
      const chosen = state.list.all.at(step.number - 1);
      if (chosen === undefined || composers.of(chosen).view.prompt !== undefined) return;
      const token = this.#token({ name: this.#nameOf(chosen) });
      const before = composers.of(chosen);
      const { text, cursor } = before.view;
      this.#enters(this.#nameOf(chosen), text.slice(0, cursor) + token + text.slice(cursor));
      // In one piece: nothing is drawn before Enter.
      await this.#keys(`\x1b${step.number}${token}\r`);
    } else if (step.do === "/to" && this.#isEmpty) {
      await this.#keys(`/to ${step.name}\r`);
      this.#isIn(step.name);
    } else if (step.do === "/jump" && this.#isEmpty) {
      await this.#keys(`/jump ${step.name} 1\r`);
      this.#isIn(step.name);
    } else if (step.do === "/msg" && this.#isEmpty) {
      const token = this.#token();
      this.#enters(this.#name, `/msg ${step.name} ${token}`);
      await this.#keys(`/msg ${step.name} ${token}\r`);
      this.#isIn(step.name);
    } else if (step.do === "hold") server.held = step.kind;
    else if (step.do === "receive") {
      this.#chat.receive(step.from, "hello");
      await this.#listed();
    } else if (step.do === "server") {
      if (step.act === "freeze") server.frozen = true;
      else if (step.act === "thaw") {
        server.thaw();
        await this.#listed();
      } else if (step.act === "release") server.release();
      else if (step.act === "cut") server.cut();
      else this.#isRefusing = step.act === "refuse";
    }
    if (state.current !== undefined) this.#places.set(state.current.conversation, state.current);
  }

  /** The server answers everything: every text gets where it belongs, and none anywhere else. */
  async settle(): Promise<void> {
    const { server, context: { state, composers } } = this.#chat;
    server.release();
    server.thaw();
    const isQuiet = () => state.client.state.kind === "online" && state.sending.lines.length === 0 && !state.isLoading;
    await eventually(() => {
      server.release();
      return isQuiet() && this.#lost().length === 0;
    }, () => `${JSON.stringify(this.#lost())} in\n${this.#chat.seen}`);
    const sent = this.#sent();
    for (const { name, text } of sent) {
      const times = (list: readonly Entered[]) =>
        list.filter((each) => each.name === name && each.text === text).length;
      assert.ok(times(sent) <= times(this.#entered), `"${text}" was sent to ${name}, and not entered there`);
    }
    for (const place of this.#visited) {
      const composer = composers.of(place);
      const name = this.#nameOf(place);
      for (const { token, names } of this.#typed) {
        const isThere = [composer.draft, composer.text, ...composer.lines].some((text) => text.includes(token));
        assert.ok(!isThere || names.has(name), `${token} of ${[...names]} is in the composer of ${name}`);
      }
    }
  }

  /** Texts that are neither where they were typed nor sent there. */
  #lost(): unknown[] {
    const { context: { composers } } = this.#chat;
    const sent = this.#sent();
    const kept = this.#visited.flatMap((place) => {
      const composer = composers.of(place);
      return [composer.draft, composer.text, ...composer.lines].map((text) => ({ name: this.#nameOf(place), text }));
    });
    const typed = this.#typed.filter(({ token, names, mayBeGone }) =>
      !mayBeGone && ![...sent, ...kept].some(({ name, text }) => names.has(name) && text.includes(token))
    );
    const entered = this.#entered.filter(({ name, text }) => {
      const isThere = (list: readonly Entered[]) => list.some((each) => each.name === name && each.text.includes(text));
      const isAnswered = isThere(sent) || isThere(this.#refused) || !others.includes(name);
      const isErased = this.#typed.some(({ token, mayBeGone }) => mayBeGone && text.includes(token));
      return !isAnswered || !(isErased || isThere(sent) || isThere(kept));
    });
    return [...typed, ...entered];
  }

  async #enter(): Promise<void> {
    const { view, text } = this.#chat.context.composers.now;
    if (view.prompt !== undefined) return await this.#keys("\r");
    await this.#shows(text);
    this.#enters(this.#name, text);
    await this.#keys("\r");
  }

  /** Waits until the screen shows the prompt of the current conversation, unless it is scrolled away, and its draft. */
  async #shows(text: string): Promise<void> {
    const prompt = `${this.#face === "line" ? "[ana → " : "["}${this.#name}`;
    const isShown = () => {
      const rows = this.#chat.seen.split("\n");
      const at = rows.findLastIndex((row) => row.startsWith(prompt));
      const shown = rows.slice(Math.max(0, at)).join("").replace(/^\[[^\]]*\] ?/, "");
      // The end of a long draft may be scrolled away, too.
      if (text.length > longDraft) return true;
      return at >= 0 && shown.replaceAll(/\s/g, "").endsWith(text.replaceAll(/\s/g, "").slice(-40));
    };
    await eventually(isShown, () => `${prompt} … ${text.slice(-40)} in\n${this.#chat.seen}`);
  }

  #enters(name: string, line: string): void {
    const [, command, to, said] = /^\/(msg|to) (\S+)(?: ([^]*\S[^]*))?$/.exec(line) ?? [];
    if (command === "msg" && said !== undefined) {
      this.#entered.push({ name: to, text: said });
      for (const { token, names } of this.#typed) if (said.includes(token)) names.add(to);
    } else if (line !== "" && !line.startsWith("/")) this.#entered.push({ name, text: line });
  }

  async #press(key: keyof typeof keys): Promise<void> {
    const { text } = this.#chat.context.composers.now;
    if (key === "erase to start") {
      for (const typed of this.#typed) if (text.includes(typed.token)) typed.mayBeGone = true;
    }
    await this.#keys(keys[key]);
  }

  async #type(token: string): Promise<void> {
    await this.#keys(token);
  }

  async #keys(text: string): Promise<void> {
    this.#chat.type(text);
    await turns(2);
  }

  /** A message is on its way, which may reorder the list: the next key means a number of the list after it. */
  #listed(): Promise<void> {
    return turns(2);
  }

  /** Makes a text of its own, which is typed into the current conversation. */
  #token({ name = this.#name, mayBeGone = false } = {}): string {
    const token = `t${this.#typed.length}.`;
    // A search takes the text for its query.
    const isQuery = this.#chat.context.composers.now.view.prompt !== undefined;
    this.#typed.push({ token, names: new Set([name]), mayBeGone: mayBeGone || isQuery });
    return token;
  }

  /** The conversations that the person was in, each once. */
  get #visited(): ConversationRef[] {
    const { state } = this.#chat.context;
    const known = [...this.#places.values(), state.current!].map((place) => state.roomNames.known(place));
    return [...new Map(known.map((place) => [place.conversation, place])).values()];
  }

  #isIn(name: string): void {
    assert.equal(this.#name, name, "the key did not choose the conversation");
  }

  get #name(): string {
    return this.#nameOf(this.#chat.context.state.current!);
  }

  get #isPlain(): boolean {
    return this.#chat.context.composers.now.view.prompt === undefined;
  }

  get #isEmpty(): boolean {
    return this.#isPlain && this.#chat.context.composers.now.text === "";
  }

  get #hasLine(): boolean {
    return this.#isPlain && this.#chat.context.composers.now.text !== "";
  }

  #nameOf({ address }: { readonly address: string }): string {
    return this.#nameOfAddress(address);
  }

  #nameOfAddress(address: string): string {
    return isRoomId(address) ? "#ops" : address;
  }

  #sent(): Entered[] {
    return this.#chat.server.log.filter(({ sender }) => sender === "ana").map(({ conversation, text }) => ({
      name: isRoomId(conversation) ? "#ops" : conversation.split(":").find((name) => name !== "ana")!,
      text,
    }));
  }
}

for (const face of faceNames) {
  Deno.test(`each text is where it was typed, or was sent to the conversation of the prompt (${face})`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const server = serverOfFour();
        await chatting({ face, server, to: "ben", columns: 120, rows: 40 }, async (chat) => {
          await chat.isIn("ben");
          await chat.sees("ben was here");
          server.roomsOf = () => [room];
          const person = new Person(chat, face);
          for (const step of taken) await person.take(step);
          await person.settle();
        });
      }),
      { numRuns: lineDelayMs() > 0 ? 5 : 100, endOnFailure: true },
    );
  });
}
