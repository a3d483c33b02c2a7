import { isRoomId } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { Role } from "../../gen/chatd/v1/chat.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { type CommandContext, type CommandInput, type Commands, only, parseNumber, placeOf, usage } from "./command.ts";

const most = 200;
/** Positions that the index may be behind without a word. */
const someBehind = 100;
/** How often a search that found nothing yet is told to go on. */
const mostTries = 5;

/** Whom to write to, what was said, and what to do with it. */
export const messageCommands: Commands = {
  to: {
    arguments: "NAME or #ROOM",
    summary: "Write to somebody else, or in a room, from now on",
    takesName: true,
    async run(context, { words }) {
      await context.turnTo(only(words, "/to NAME or /to #ROOM"));
    },
  },
  msg: {
    arguments: "NAME or #ROOM TEXT",
    summary: "Send something there, and write there from now on",
    takesName: true,
    async run(context, { text, typed }) {
      const [, name, said] = /^\s*(\S+)\s+([^]*\S[^]*)$/.exec(text) ?? [];
      if (name === undefined) throw usage("/msg NAME TEXT or /msg #ROOM TEXT");
      const place = await context.turnTo(name);
      context.send(place, { text: said, typed });
    },
  },
  users: {
    arguments: "",
    summary: "Everybody here, and who is online",
    run: listUsers,
  },
  conversations: {
    arguments: "",
    summary: "Your conversations, the newest first, and what is unread",
    run: listConversations,
  },
  history: {
    arguments: "[NAME] [N]",
    summary: "The last N messages with somebody or in a room, 20 if not said",
    takesName: true,
    run: showHistory,
  },
  sent: {
    arguments: "[N]",
    summary: "The last N messages that you sent to anybody",
    async run({ client, show }, { words }) {
      const [limit, ...rest] = words;
      if (rest.length > 0) throw usage("/sent [N]");
      const { messages } = await client.sent({ limit: parseNumber(limit ?? "20", "/sent [N]", most) });
      await show(messages.flatMap((message) => fromWireMessage(message) ?? []));
    },
  },
  search: {
    arguments: "WORDS",
    summary: 'Find messages; also "a phrase", -not, from:NAME, in:NAME, before:DATE, after:DATE',
    run: (context, { text }) => search(context, text),
  },
  reply: {
    arguments: "N TEXT",
    summary: "Answer message N of this conversation",
    run(context, input) {
      const [seq, text] = numberAndText(input.text, "/reply N TEXT");
      context.send(placeOf(input), { text, typed: input.typed }, { replyTo: seq });
    },
  },
  edit: {
    arguments: "N TEXT",
    summary: "Replace the text of your message N",
    async run(context, input) {
      const [seq, changed] = numberAndText(input.text, "/edit N TEXT");
      await context.client.edit(placeOf(input).address, seq, changed);
    },
  },
  delete: {
    arguments: "N",
    summary: "Erase your message N; in a room, moderators erase anybody's",
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
    summary: "Take a reaction back",
    run: (context, input) => react(context, input, { form: "/unreact N EMOJI", remove: true }),
  },
};

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

async function listConversations({ client, names, print }: CommandContext): Promise<void> {
  const { conversations, more } = await client.listConversations({ limit: 100 });
  for (const { room } of conversations) if (room !== undefined) names.addRoom(room);
  const lines = conversations.map(({ conversation, unread, mentions, role, invitedBy }) => {
    if (role === Role.INVITED) {
      return `  ${names.label(conversation)} (${sanitizeLine(invitedBy)} invites you: /join or /leave ${conversation})`;
    }
    const marks = [unread > 0 ? `${unread} unread` : "", mentions > 0 ? `${mentions} for you` : ""].filter(Boolean);
    return `  ${names.label(conversation)}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}`;
  });
  await print(lines.length === 0 ? ["You have no conversations yet."] : [...lines, ...(more ? ["  and more"] : [])]);
}

async function listUsers({ client, print }: CommandContext): Promise<void> {
  const { users, more } = await client.listUsers({ limit: 1000 });
  const name = (user: { name: string }) => sanitizeLine(user.name);
  const online = users.filter((user) => user.online).map(name);
  const offline = users.filter((user) => !user.online).map(name);
  await print([
    `Online: ${online.join(", ") || "nobody"}`,
    `Offline: ${offline.join(", ") || "nobody"}${more ? ", and more" : ""}`,
  ]);
}

async function search({ client, names, show, print }: CommandContext, text: string): Promise<void> {
  if (text.trim() === "") throw usage("/search WORDS");
  const query = text.replace(/(?<=^|\s)in:(\S+)/gi, (_all, name: string) => `in:${names.address(name)}`);
  let page = await client.search(query);
  for (let tries = 1; page.messages.length === 0 && page.more && tries < mostTries; tries++) {
    page = await client.search(query, { beforePosition: page.nextBeforePosition });
  }
  const { messages, more, indexedThrough, head } = page;
  if (messages.length === 0) await print([more ? "Nothing was found so far: look for less." : "Nothing was found."]);
  else await print([`Found${more ? " (there is more before this: before:DATE finds it)" : ""}:`]);
  await show(messages.flatMap((message) => fromWireMessage(message) ?? []).reverse());
  // While others write, the index is always a little behind.
  if (head - indexedThrough > (messages.length === 0 ? 0 : someBehind)) {
    await print(["(The newest messages are not found yet: try again in a while.)"]);
  }
}

async function showHistory(
  { client, names, show, print }: CommandContext,
  { words, place }: CommandInput,
): Promise<void> {
  const form = "/history [NAME] [N]";
  // A name may be all digits: with one argument, a number is a count unless nobody else is meant.
  const [name, count, ...rest] = words.length === 1 && /^\d+$/.test(words[0]) && place
    ? [place.address, ...words]
    : words;
  const other = name === undefined ? place?.address : names.address(name);
  if (rest.length > 0 || other === undefined) throw usage(form);
  const { messages, more, startSeq, headSeq } = await client.history({
    with: other,
    limit: parseNumber(count ?? "20", form, most),
    events: true,
  });
  if (messages.length === 0) {
    const why = headSeq > 0
      ? "Nothing of what was said is kept."
      : `Nothing was said between you and ${sanitizeLine(other)} yet.`;
    return await print([why]);
  }
  // In a room, it may be that it was before the person came.
  if (!more && startSeq > 1) {
    await print([`(${isRoomId(other) ? "You see nothing" : "Nothing is kept"} from before this.)`]);
  }
  if (more) await print(["(There is more before this.)"]);
  await show(messages.flatMap((message) => fromWireMessage(message) ?? []));
}
