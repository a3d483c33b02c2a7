import assert from "node:assert/strict";
import { ChatClient } from "../../../src/client/chat_client.ts";
import type { RequestKind } from "../../../src/client/live_session.ts";
import type { Timers } from "../../../src/client/timers.ts";
import type { ChatError } from "../../../src/core/chat_error.ts";
import type { ChatFace, FaceContext } from "../../../src/terminal/chat/chat_face.ts";
import type { SavedPreferences } from "../../../src/terminal/chat/person/preferences.ts";
import { TerminalChat } from "../../../src/terminal/chat/terminal_chat.ts";
import { FullScreenFace } from "../../../src/terminal/full_screen/full_screen_face.ts";
import { choosePalette } from "../../../src/terminal/full_screen/palette.ts";
import { LineFace } from "../../../src/terminal/line/line_face.ts";
import { chooseStyle } from "../../../src/terminal/text/style.ts";
import type { Multiplexer } from "../../../src/terminal/text/multiplexer.ts";
import { EmulatedTerminal } from "../fakes/emulated_terminal.ts";
import { lineDelayMs } from "../proxies/slow_line.ts";
import { eventually } from "../waiting/eventually.ts";
import { turns } from "../waiting/turns.ts";
import { FakeChatServer } from "../fakes/fake_chat_server.ts";

export type FaceName = "line" | "dumb" | "full screen";

/** The faces that a person can see everything on. */
export const faceNames: readonly FaceName[] = ["line", "full screen"];

export interface ChatSetup {
  readonly face: FaceName;
  readonly server?: FakeChatServer;
  readonly saved?: SavedPreferences;
  readonly columns?: number;
  readonly rows?: number;
  readonly to?: string;
  readonly token?: string;
  readonly multiplexer?: Multiplexer;
  /** The time in which the person is present; the system's unless given. */
  readonly timers?: Timers;
}

/** Ana's chat at an emulated terminal, with one of the faces. */
export class ChatAtTerminal {
  readonly server: FakeChatServer;
  readonly terminal: EmulatedTerminal;
  readonly running: Promise<ChatError | undefined>;
  /** Tokens that the chat kept, and "logged out". */
  readonly logins: string[] = [];
  saved: SavedPreferences;
  /** The chat as its face sees it. */
  readonly context: FaceContext;
  readonly #face: FaceName;

  constructor(setup: ChatSetup) {
    const { face, server = new FakeChatServer(), saved = {}, columns = 160, rows = 60, to, token } = setup;
    this.#face = face;
    this.server = server;
    this.saved = saved;
    this.terminal = new EmulatedTerminal({ columns, rows });
    let seenByFace: FaceContext;
    const chat = new TerminalChat({
      face: (context) => makeFace(face, seenByFace = context, this.terminal),
      user: "ana",
      to,
      client: (onEvent) =>
        new ChatClient({
          transport: server.transport,
          token: token ?? "token-ana",
          client: "test",
          onEvent,
          backoff: { initialMs: 20, maxMs: 40 },
        }),
      preferences: { read: () => this.saved, update: (change) => this.saved = change(this.saved) },
      keepCredentials: ({ token }) => Promise.resolve(void this.logins.push(token)),
      loggedOut: () => Promise.resolve(void this.logins.push("logged out")),
      multiplexer: setup.multiplexer,
      timers: setup.timers,
    });
    this.context = seenByFace!;
    this.running = chat.run();
  }

  /** The text of the terminal, without the times of messages. */
  get seen(): string {
    return textOf(this.terminal.lines);
  }

  /** The text that is seen without scrolling back, like {@link seen}. */
  get screen(): string {
    return textOf(this.terminal.screen);
  }

  async sees(expected: string | RegExp): Promise<void> {
    await eventually(
      () => typeof expected === "string" ? this.seen.includes(expected) : expected.test(this.seen),
      () => `${expected} in\n${this.seen}`,
    );
  }

  /** Waits until a conversation is the current one, with a draft. */
  async isIn(label: string, draft = ""): Promise<void> {
    const prompt = this.#face === "full screen" ? `[${label}]` : `[ana → ${label}]`;
    const expected = `\n${prompt} ${draft}`.trimEnd();
    await eventually(() => this.seen.endsWith(expected), () => `${expected} in\n${this.seen}`);
  }

  /** The requests of a kind that the server has read. */
  requests<Case extends RequestKind["$case"]>(wanted: Case): (RequestKind & { $case: Case })["value"][] {
    const all = this.server.framesRead.flatMap(({ requests }) => requests);
    return all.flatMap(({ kind }) => kind?.$case === wanted ? [kind.value as never] : []);
  }

  type(text: string): void {
    this.terminal.type(text);
  }

  /** Breaks the connection, and every try to connect again until {@link reconnect}. */
  async disconnect(): Promise<void> {
    this.server.down = true;
    this.server.cut();
    await this.sees("Disconnected: ");
  }

  async reconnect(): Promise<void> {
    this.server.down = false;
    await this.sees("Connected again.");
  }

  /** Counts how often a text is seen; a space in it may be a line break of a pane. */
  count(text: RegExp): number {
    return this.seen.replace(/\n[^\n│]*│ ? */g, " ").match(text)?.length ?? 0;
  }

  /** A user sends a message to ana, or to a room. */
  receive(sender: string, text: string, to = "ana"): void {
    this.server.append(sender, to, text);
    this.server.deliverAll();
  }
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => line.trimEnd()).join("\n").replace(/\d\d:\d\d (?=\S)/g, "");
}

function makeFace(name: FaceName, context: FaceContext, device: EmulatedTerminal): ChatFace {
  if (name === "full screen") {
    return new FullScreenFace(context, {
      device,
      palette: choosePalette({ noColor: undefined, term: "xterm-256color" }),
      address: "chat.example:7443",
    });
  }
  const style = chooseStyle({ noColor: "1", term: name === "dumb" ? "dumb" : "xterm" });
  return new LineFace(context, { device, style, isDumb: name === "dumb" });
}

/** Waits until the server and its clients have answered each other, over a line that takes its time. */
async function quiet(server: FakeChatServer): Promise<void> {
  for (let calm = 0; calm < 3; await turns()) calm = server.isQuiet ? calm + 1 : 0;
}

/** Runs a chat while `use` does, and checks that the terminal is given back. */
export async function chatting(setup: ChatSetup, use: (chat: ChatAtTerminal) => Promise<void>): Promise<void> {
  const chat = new ChatAtTerminal(setup);
  try {
    if (lineDelayMs() > 0) await quiet(chat.server);
    await use(chat);
  } finally {
    chat.terminal.hangUp();
    chat.server.down = true;
    chat.server.thaw();
    await chat.running;
    assert.equal(chat.terminal.raw, false, "the terminal was not given back");
    chat.terminal[Symbol.dispose]();
  }
}

/** Tests a behaviour with every face. `setup` is called for each. */
export function testWithFaces(
  behaviour: string,
  setup: () => Omit<ChatSetup, "face">,
  use: (chat: ChatAtTerminal) => Promise<void>,
): void {
  for (const face of faceNames) Deno.test(`${behaviour} (${face})`, () => chatting({ ...setup(), face }, use));
}

/** A server that has messages of cat and ben to ana, all of them delivered. */
export function serverWithHistory(count = 25): FakeChatServer {
  const server = new FakeChatServer();
  server.cursor("ana/");
  server.append("ana", "cat", "old news");
  for (let i = 1; i <= count; i++) server.append("ben", "ana", `news ${i}.`);
  server.moveCursor("ana/", server.head);
  return server;
}
