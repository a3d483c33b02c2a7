// People at terminals, and a real server between them: rooms, and what is done to messages.
import assert from "node:assert/strict";
import { ChatClient } from "../../src/client/chat_client.ts";
import { LineFace } from "../../src/terminal/line/line_face.ts";
import { chooseStyle } from "../../src/terminal/text/style.ts";
import { TerminalChat } from "../../src/terminal/chat/terminal_chat.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { EmulatedTerminal } from "../support/fakes/emulated_terminal.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { startTestGrpcServer, type TestGrpcServer } from "../support/servers/grpc_server.ts";
import { lineTo } from "../support/proxies/slow_line.ts";

interface SeatOptions {
  readonly transport: Http2Transport;
  readonly line: AsyncDisposable;
  readonly token: string;
}

/** Somebody at a terminal. */
class Seat implements AsyncDisposable {
  readonly terminal = new EmulatedTerminal({ columns: 120, rows: 60 });
  readonly #running: Promise<unknown>;
  readonly #line: AsyncDisposable;

  private constructor(user: string, { transport, line, token }: SeatOptions) {
    this.#line = line;
    const style = chooseStyle({ noColor: "1", term: "xterm" });
    const chat = new TerminalChat({
      face: (context) => new LineFace(context, { device: this.terminal, style }),
      user,
      client: (onEvent) => new ChatClient({ transport, token, client: "test", onEvent }),
      preferences: { read: () => ({}), update: () => {} },
      keepCredentials: () => Promise.resolve(),
      loggedOut: () => Promise.resolve(),
    });
    this.#running = chat.run();
  }

  static async take(user: string, { server }: TestGrpcServer): Promise<Seat> {
    const line = lineTo(server.port);
    const transport = new Http2Transport({ host: "127.0.0.1", port: line.port, callback: false });
    const request = { user, password: "correct horse battery", invite: "", deviceName: "" };
    const { credentials } = await transport.register(request, {});
    const seat = new Seat(user, { transport, line, token: credentials!.token });
    await seat.sees("Connected to");
    return seat;
  }

  /** What is on the screen, without the times. */
  get seen(): string {
    return this.terminal.lines.join("\n").replace(/\d\d:\d\d (?=\S)/g, "");
  }

  /** Instead of what is there: what was not sent is given back as a draft. */
  type(line: string): void {
    this.terminal.type(`\x15${line}\r`);
  }

  sees(expected: string | RegExp): Promise<void> {
    return eventually(
      () => typeof expected === "string" ? this.seen.includes(expected) : expected.test(this.seen),
      () => `${expected} in\n${this.seen}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.type("/quit");
    await this.#running;
    await this.#line[Symbol.asyncDispose]();
  }
}

Deno.test("people make a room, meet in it, and do to messages what one expects", async () => {
  await using server = await startTestGrpcServer();
  await using ana = await Seat.take("ana", server);
  await using ben = await Seat.take("ben", server);
  ana.type("/create #ops");
  await ana.sees("[ana → #ops]");
  ben.type("/rooms");
  await ben.sees("#ops (1)");
  ben.type("/join #ops");
  await ben.sees("[ben → #ops]");
  await ana.sees("2 * ben joined");
  ana.type("helo @ben");
  await ben.sees("3 ana: helo @ben");
  ana.type("/edit 3 hello Ben");
  await ben.sees("4 * ana edited 3: hello Ben");
  ben.type("/react 3 👍");
  await ana.sees("5 * ben reacted with 👍 to 3");
  ben.type("/reply 3 good  morning");
  await ana.sees("6 ben: (to 3 ana: hello Ben) good  morning");
  ben.type("/delete 3");
  await ben.sees("Only its moderators and owners may do this in room #ops; you are a member.");
  ana.type("/history 6");
  await ana.sees("3 ana: hello Ben (edited)  👍 1");
  ana.type("/delete 6");
  await ben.sees("7 * ana deleted 6");
  ben.type("/history 6");
  await ben.sees("6 ben: (to 3 ana: hello Ben) (deleted)");
  ana.type("/topic It burns");
  await ben.sees("8 * ana set the topic: It burns");
  ana.type("/who");
  await ana.sees("Owners: ana\nMembers: ben");
  await eventually(() => {
    if (!/Read by ben/.test(ana.seen)) ana.type("/readers 3");
    return /Read by ben/.test(ana.seen);
  }, () => ana.seen);
});

Deno.test("a moderator pins for all members of a room, and a newcomer sees no pin of a message from before", async () => {
  await using server = await startTestGrpcServer();
  await using ana = await Seat.take("ana", server);
  await using ben = await Seat.take("ben", server);
  await using cleo = await Seat.take("cleo", server);
  ana.type("/create #ops");
  await ana.sees("[ana → #ops]");
  ben.type("/join #ops");
  await ana.sees("2 * ben joined");
  ana.type("the door code is 4711");
  await ben.sees("3 ana: the door code is 4711");
  ben.type("/pin 3");
  await ben.sees("Only its moderators and owners may do this in room #ops; you are a member.");
  ana.type("/pin 3");
  for (const seat of [ana, ben]) await seat.sees("4 * ana pinned 3: “the door code is 4711”");
  ana.type("/edit 3 the door code is 0815");
  await ben.sees("5 * ana edited 3: the door code is 0815");
  ben.type("/pins");
  await ben.sees(/ 3 ana, \d{4}-\d\d-\d\d \d\d:\d\d: the door code is 0815 \(by ana\)/);
  cleo.type("/join #ops");
  await cleo.sees("[cleo → #ops]");
  cleo.type("/pins");
  await cleo.sees("No message is pinned here.");
  ana.type("/delete 3");
  await ben.sees("* ana deleted 3");
  ben.type("/pins");
  await ben.sees("No message is pinned here.");
  ana.type("/unpin 3");
  await ana.sees("There is no such message, or it was deleted.");
  ana.type("/remove ben");
  await ben.sees("* ana removed ben");
  ben.type("/pins");
  await ben.sees("You are not in room #ops: join it first.");
});

Deno.test("two people pin messages of their conversation, and remove each other's pins", async () => {
  await using server = await startTestGrpcServer();
  await using ana = await Seat.take("ana", server);
  await using ben = await Seat.take("ben", server);
  ana.type("/msg ben see you at eight");
  await ana.sees("1 ana: see you at eight");
  ben.type("/to ana");
  await ben.sees("[ben → ana]");
  ben.type("/pin 1");
  await ana.sees("2 * ben pinned 1: “see you at eight”");
  ana.type("/pin 1");
  await ana.sees("The message is already pinned.");
  ana.type("/history ben 5");
  await ana.sees(/1 ana: see you at eight +\(pinned\)/);
  ana.type("/unpin 1");
  await ben.sees("3 * ana unpinned 1");
  ben.type("/unpin 1");
  await ben.sees("The message is not pinned.");
});

Deno.test("an owner lets members mention all, which Tab completes for those who may", async () => {
  await using server = await startTestGrpcServer();
  await using ana = await Seat.take("ana", server);
  await using ben = await Seat.take("ben", server);
  ana.type("/create #ops");
  await ana.sees("[ana → #ops]");
  ben.type("/join #ops");
  await ben.sees("[ben → #ops]");
  // The terminal knows her role a moment after the room.
  await eventually(() => {
    ana.terminal.type("\x15look @ro\t");
    return ana.seen.includes("[ana → #ops] look @room ");
  });
  ana.type("/room");
  await ana.sees("#ops: public, new members see only new messages\nmoderators and owners may use @room and @here");
  ben.terminal.type("look @ro\there");
  await ben.sees("[ben → #ops] look @rohere");
  ben.type("/room mentions members");
  await ben.sees("Only its owners may do this in room #ops; you are a member.");
  ana.type("/room mentions everyone");
  await ana.sees("/room mentions members|moderators|owners");
  ana.type("/room mentions members");
  await ben.sees("ana changed the room to #ops (public, new members see only new messages, all members may use @room");
  ben.terminal.type("\x15look @ro\there");
  await ben.sees("[ben → #ops] look @room here");
  ben.terminal.type("\x15@he\tplease\r");
  await ana.sees("ben: @here please");
});

Deno.test("who is invited into a private room is told, comes in, and is told when they are removed", async () => {
  await using server = await startTestGrpcServer();
  await using ana = await Seat.take("ana", server);
  await using ben = await Seat.take("ben", server);
  ana.type("/create #plans private history");
  await ana.sees("Only users you /invite can join.");
  ana.type("for those who come later");
  await ana.sees("ana: for those who come later");
  ana.type("/invite ben");
  await ben.sees(/ana invited you to (#plans\+[a-z2-7]{3}). To accept: \/join \1. To decline: \/leave \1/);
  ben.type("/conversations");
  await ben.sees(/(#plans\+[a-z2-7]{3}) \(ana invited you: \/join \1 or \/leave \1\)/);
  ben.type("/leave #plans");
  await ana.sees("* ben left");
  ana.type("/invite ben");
  await ben.sees(/To decline[^]*To decline/);
  ben.type("/join #plans");
  await ben.sees(/\[ben → #plans\+[a-z2-7]{3}\]/);
  await ben.sees("ana: for those who come later");
  ana.type("/role ben moderator");
  await ben.sees("* ana made ben a moderator");
  ana.type("/remove ben");
  await ben.sees("* ana removed ben");
  ben.type("hello?");
  await ben.sees(/Not sent to #plans\+[a-z2-7]{3}: There is no room/);
  ben.type("/join #plans");
  await ben.sees('There is no room "#plans" that you can see.');
});

Deno.test("what somebody writes who is blocked is not shown, and what is written to them arrives", async () => {
  await using server = await startTestGrpcServer();
  await using ana = await Seat.take("ana", server);
  await using ben = await Seat.take("ben", server);
  ana.type("/to ben");
  await ana.sees("[ana → ben]");
  ben.type("/to ana");
  await ben.sees("[ben → ana]");
  ana.type("/block ben");
  await ana.sees("New messages from ben are hidden from you");
  ben.type("can you hear me?");
  await ben.sees("ben: can you hear me?");
  ana.type("last word");
  await ben.sees("ana: last word");
  ana.type("/unblock ben");
  await ana.sees("New messages from ben are shown again.");
  ben.type("now?");
  await ana.sees("ben: now?");
  ana.type("/history ben 20");
  await ana.sees(/ana: last word\n[^]*ana: last word/);
  assert.ok(!ana.seen.includes("can you hear me?"), ana.seen);
});

Deno.test("a setting shows what it does, and typing users are shown", async () => {
  await using server = await startTestGrpcServer();
  await using ana = await Seat.take("ana", server);
  await using ben = await Seat.take("ben", server);
  ben.type("/to ana");
  await ben.sees("[ben → ana]");
  ana.type("/to ben");
  await ana.sees("[ana → ben]");
  ben.terminal.type("I think that");
  await ana.sees("[ana → ben | ben is typing]");
  ben.terminal.type("\x15");
  await ana.sees("[ana → ben]");
  ana.type("/set messages nobody");
  await ana.sees("messages nobody: no one may send you messages outside rooms");
  ben.type("hello");
  await ben.sees("Not sent to ana:");
  ana.type("/set colour on");
  await ana.sees("Usage: /set receipts on|off");
});
