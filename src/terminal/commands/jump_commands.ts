import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { type Commands, type Jump, noConversation, parsed, usage } from "./command.ts";
import { isDateLike, parseDate } from "./log_places.ts";

const form = "/jump [NAME] N, /jump [NAME] DATE, or /jump rN for a result of a search";

/** Going to parts of conversations. */
export const jumpCommands: Commands = {
  jump: {
    arguments: "[NAME] N or DATE, rN",
    summary: "Go to message N, to the first message of a day, or to a search result; Alt-Shift-J goes back",
    takesName: true,
    takesDay: true,
    jump: (words) => parsed(() => parseJump(words)),
    run(_context, { words, place }) {
      const { kind } = parseJump(words);
      if (kind === "log" && place === undefined) throw noConversation();
    },
  },
  clear: {
    arguments: "",
    summary: "Clear seen messages from the screen; nothing is deleted, and PgUp or /history shows them again",
    run: ({ clear }) => clear(),
  },
};

/** @throws {ChatError} */
function parseJump(words: readonly string[]): Jump {
  const [first, second, ...rest] = words;
  if (first === undefined || rest.length > 0) throw usage(form);
  const result = /^r(\d{1,9})$/.exec(first)?.[1];
  if (second === undefined && result !== undefined) return { kind: "result", number: Number(result) };
  const [address, word] = second === undefined ? [undefined, first] : [first, second];
  const target = isDateLike(word) ? { fromMs: parseDate(word) } : { seq: parseSeq(word) };
  return { kind: "log", target, ...(address !== undefined && { address }) };
}

/** @throws {ChatError} */
function parseSeq(word: string): number {
  const seq = Number(word);
  if (/^\d+$/.test(word) && seq >= 1 && seq <= Number.MAX_SAFE_INTEGER) return seq;
  throw new ChatError(
    "invalid_argument",
    `"${sanitizeLine(word)}" is neither the number of a message, such as 12, nor a date, such as 2026-01-31 or ` +
      `2026-01-31T14:05. Usage: ${form}`,
  );
}
