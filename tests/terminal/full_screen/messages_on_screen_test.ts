/** Marks and replies in the messages of the full screen. */
import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import {
  type ChatAtTerminal,
  type ChatSetup,
  chatting as chattingWith,
  serverWithHistory,
} from "../../support/servers/chat_at_terminal.ts";
import { eventually } from "../../support/waiting/eventually.ts";

function chatting(setup: Partial<ChatSetup>, use: (chat: ChatAtTerminal) => Promise<void>): Promise<void> {
  return chattingWith({ face: "full screen", columns: 80, rows: 24, ...setup }, use);
}

Deno.test("marks of Markdown are shown as styles, and as they were typed after /set markdown off", async () => {
  await chatting({ to: "ben", server: serverWithHistory() }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    chat.receive("ben", "a **bold** `word`\n> quoted\n* item\nhttps://a.example/x");
    await chat.sees(/ben: a bold word\n[^\n]*│ {7}│ quoted\n[^\n]*│ {7}• item\n[^\n]*│ {7}https:\/\/a\.example\/x\n/);
    chat.type("/set markdown off\r");
    await chat.sees("ben: a **bold** `word`");
    await chat.sees("Messages are shown as they were typed.");
    chat.type("/set markdown maybe\r");
    await chat.sees("Usage: /set markdown on|off");
    assert.equal(chat.saved.markdown, false);
  });
});

Deno.test("a reply shows the message that it answers, as it is now", async () => {
  await chatting({ to: "ben", server: serverWithHistory() }, async (chat) => {
    const { server } = chat;
    await chat.sees(/\[ben\]$/);
    const replyTo = (seq: number, text: string) => {
      Object.assign(server.append("ben", "ana", text), { replyToSeq: seq });
      server.deliverAll();
    };
    replyTo(25, "that was fast");
    await chat.sees(/│ {7}╭ ben: news 25\.\n[^\n]*ben: \(to 25\) that was fast\n/);
    const edit = { kind: { $case: "edited" as const, value: { seq: 25 } } };
    Object.assign(server.append("ben", "ana", "no news"), { event: edit });
    server.deliverAll();
    await chat.sees(/╭ ben: no news\n[^\n]*that was fast\n/);
    const deletion = { kind: { $case: "deleted" as const, value: { seq: 25 } } };
    Object.assign(server.append("ben", "ana", ""), { event: deletion });
    server.deliverAll();
    await chat.sees(/╭ ben: \(deleted\)\n/);
  });
});

Deno.test("a reply shows a message that was not loaded, once it is", async () => {
  await chatting({ to: "ben", server: serverWithHistory(300) }, async (chat) => {
    const { server } = chat;
    await chat.sees(/news 300\.\n/);
    server.held = "history";
    Object.assign(server.append("ben", "ana", "still true"), { replyToSeq: 7 });
    server.deliverAll();
    await chat.sees("(to 7) still true");
    assert.doesNotMatch(chat.seen, /╭/);
    await eventually(() => server.waiting.length === 1, () => "the message is asked for");
    server.release();
    await chat.sees(/╭ ben: news 7\.\n[^\n]*still true\n/);
  });
});

Deno.test("a reply to a message that could not be loaded asks for it again, later and after a reconnection", async () => {
  await chatting({ to: "ben", server: serverWithHistory(300) }, async (chat) => {
    const { server } = chat;
    await chat.sees(/news 300\.\n/);
    const reply = (seq: number, text: string) => {
      Object.assign(server.append("ben", "ana", text), { replyToSeq: seq });
      server.deliverAll();
    };
    const refuse = (error: ChatError) =>
      server.refuseRequest = (kind) => kind === "history" ? (server.refuseRequest = () => undefined, error) : undefined;
    refuse(new ChatError("busy", "Wait."));
    reply(7, "still true");
    await chat.sees(/╭ ben: news 7\.\n[^\n]*still true\n/);
    refuse(new ChatError("internal", "A bug."));
    reply(8, "not so");
    await chat.sees(/╭ \(message not available\)\n[^\n]*not so\n/);
    server.cut();
    await chat.sees(/╭ ben: news 8\.\n[^\n]*not so\n/);
  });
});

Deno.test("a reply to a message that is kept no longer says so", async () => {
  await chatting({ to: "ben", server: serverWithHistory(300) }, async (chat) => {
    const { server } = chat;
    await chat.sees(/news 300\.\n/);
    server.keptFrom = 200;
    Object.assign(server.append("ben", "ana", "as I said"), { replyToSeq: 7 });
    server.deliverAll();
    await chat.sees(/╭ \(message not available\)\n[^\n]*as I said\n/);
  });
});

Deno.test("keys go to the message that a reply answers, loaded or not, and back", async () => {
  await chatting({ to: "ben", server: serverWithHistory(300) }, async (chat) => {
    const { server } = chat;
    await chat.sees(/news 300\.\n/);
    Object.assign(server.append("ben", "ana", "as I said"), { replyToSeq: 50 });
    Object.assign(server.log.find(({ seq, sender }) => seq === 50 && sender === "ben")!, { replyToSeq: 2 });
    server.deliverAll();
    await chat.sees(/as I said\n/);
    chat.type("draft \x1bj");
    await chat.sees(/50 ben: \(to 2\) news 50\.\n[^]*\n[^]*↓ more below/);
    assert.doesNotMatch(chat.seen, /as I said/);
    chat.type("\x1bj");
    await chat.sees(/2 ben: news 2\.\n/);
    chat.type("\x1bJ");
    await chat.sees(/50 ben: \(to 2\) news 50\.\n/);
    chat.type("\x1bJ");
    await chat.sees(/as I said\n[^\n]*\n\[ben\] draft$/);
    assert.doesNotMatch(chat.seen, /more below/);
    // There is no place to go back to any more.
    chat.type("\x1bJ\x1b[1;5F");
    await chat.isIn("ben", "draft");
  });
});
