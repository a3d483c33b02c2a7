import { ChatError } from "../../core/chat_error.ts";
import type { Pin } from "../../core/messages/message.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { truncate } from "../input/input_layout.ts";
import { clock, date } from "../text/local_clock.ts";
import { messageLine } from "../text/message_line.ts";
import { type CommandContext, type CommandInput, type Commands, only, parseNumber, placeOf, usage } from "./command.ts";

/** Cells for a line of a pinned message, at most. */
const maxLine = 60;

/** Replies to messages, and changes of them. */
export const messageCommands: Commands = {
  me: {
    arguments: "TEXT",
    summary: "Send a text in italics, for something you do",
    run(context, input) {
      const text = input.text.trim();
      if (text === "" || text.includes("\n")) throw usage("/me TEXT, in one line");
      context.send(placeOf(input), { text: `_${text}_`, typed: input.typed });
    },
  },
  reply: {
    arguments: "N TEXT",
    summary: "Reply to message N of this conversation",
    run(context, input) {
      const [seq, text] = numberAndText(input.text, "/reply N TEXT");
      context.send(placeOf(input), { text, typed: input.typed }, { replyTo: seq });
    },
  },
  edit: {
    arguments: "N [TEXT]",
    summary: "Replace the text of your message N; without TEXT, get the present one to change it",
    async run(context, input) {
      if (input.words.length === 1) return await fillInText(context, input);
      const [seq, changed] = numberAndText(input.text, "/edit N TEXT");
      await context.client.edit(placeOf(input).address, seq, changed);
    },
  },
  delete: {
    arguments: "N",
    summary: "Delete your message N; moderators of a room can delete any message",
    async run(context, input) {
      const seq = parseNumber(only(input.words, "/delete N"), "/delete N");
      await context.client.delete(placeOf(input).address, seq);
    },
  },
  react: {
    arguments: "N EMOJI",
    summary: "React to message N with an emoji",
    run: (context, input) => react(context, input, { form: "/react N EMOJI", remove: false }),
  },
  unreact: {
    arguments: "N EMOJI",
    summary: "Remove your reaction",
    run: (context, input) => react(context, input, { form: "/unreact N EMOJI", remove: true }),
  },
  pin: {
    arguments: "N",
    summary: "Pin message N for all members; in a room, moderators can",
    async run({ client }, input) {
      await client.pins.add(placeOf(input).address, parseNumber(only(input.words, "/pin N"), "/pin N"));
    },
  },
  unpin: {
    arguments: "N",
    summary: "Remove the pin of message N",
    async run({ client }, input) {
      await client.pins.remove(placeOf(input).address, parseNumber(only(input.words, "/unpin N"), "/unpin N"));
    },
  },
  pins: {
    arguments: "",
    summary: "List the pinned messages of this conversation, with their numbers",
    run: listPins,
  },
};

/** Puts the command with the present text of the message into the draft. */
async function fillInText({ client, me, fillIn }: CommandContext, input: CommandInput): Promise<void> {
  const seq = parseNumber(input.words[0], "/edit N [TEXT]");
  const place = placeOf(input);
  const { messages } = await client.history({ with: place.address, beforeSeq: seq + 1, limit: 1 });
  const wire = messages.find((message) => message.seq === seq);
  const found = wire && fromWireMessage(wire);
  if (found === undefined || found.deleted) throw new ChatError("not_found", `There is no message ${seq} here.`);
  if (found.sender !== me) throw new ChatError("permission_denied", `Message ${seq} is not yours.`);
  fillIn(`/edit ${seq} ${found.text}`, place);
}

function numberAndText(input: string, form: string): [number, string] {
  const [, number, text] = /^\s*(\S+)\s+([^]*\S[^]*)$/.exec(input) ?? [];
  if (number === undefined) throw usage(form);
  return [parseNumber(number, form), text];
}

async function react(
  context: CommandContext,
  input: CommandInput,
  { form, remove }: { form: string; remove: boolean },
): Promise<void> {
  const [number, emoji, ...rest] = input.words;
  if (emoji === undefined || rest.length > 0) throw usage(form);
  await context.client.react(placeOf(input).address, parseNumber(number, form), emoji, { remove });
}

/** Lists pins, the newest last, nearest to the input line. */
async function listPins({ client, print }: CommandContext, input: CommandInput): Promise<void> {
  if (input.words.length > 0) throw usage("/pins");
  const pins = await client.pins.list(placeOf(input).address);
  await print(
    pins.length === 0
      ? ["No message is pinned here."]
      : ["Pinned messages, the newest pin last; /jump N goes to message N:", ...pins.reverse().map(pinLine)],
  );
}

/** "12 ben, 2026-11-30 09:46: the door code (by ana)", safe for a terminal. */
function pinLine({ message, user }: Pin): string {
  const { seq, sender, acceptedAt } = message;
  const line = truncate(messageLine(message), maxLine);
  return `  ${seq} ${sanitizeLine(sender)}, ${date(acceptedAt)} ${clock(acceptedAt)}: ${line} (by ${
    sanitizeLine(user)
  })`;
}
