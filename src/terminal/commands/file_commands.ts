import { ChatError } from "../../core/chat_error.ts";
import type { Attachment } from "../../core/messages/message.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { type CommandContext, type CommandInput, type Commands, parseNumber, placeOf, usage } from "./command.ts";
import { createFile, fromHome, openSource } from "../local_file.ts";

/** Sending and saving files of this machine. */
export const fileCommands: Commands = {
  file: {
    arguments: "PATH [TEXT]",
    summary: 'Send a file; write "PATH" with spaces in quotes',
    wordsBeforePath: 0,
    run: sendFile,
  },
  save: {
    arguments: "N [PATH]",
    summary: "Save the file of message N, without overwriting another",
    wordsBeforePath: 1,
    run: saveFile,
  },
};

/**
 * Splits a line into its first word and the rest. Quotes hold a word together, and so does a backslash before a space or
 * a quote; elsewhere a backslash is literal, as in paths of Windows.
 */
export function takePath(text: string): { path: string; rest: string } {
  const [all, double, single, plain] = /^\s*(?:"([^"]*)"|'([^']*)'|((?:\\[\s"']|\S)+))?(?:\s+|$)/.exec(text) ?? [""];
  const path = double ?? single ?? plain?.replace(/\\([\s"'])/g, "$1") ?? "";
  return { path, rest: text.slice(all.length) };
}

function sendFile(context: CommandContext, input: CommandInput): void {
  const { path, rest: text } = takePath(input.text);
  if (path === "") throw usage("/file PATH [TEXT]");
  const place = placeOf(input);
  const { client } = context;
  context.transfer(`sending ${path}`, async (options) => {
    try {
      using source = await openSource(fromHome(path));
      const upload = await client.files.upload(source, options);
      await client.send(place.address, text, { upload });
    } catch (error) {
      // Like the text of a message that is refused.
      if (text !== "") context.fillIn(input.typed, place);
      throw error;
    }
    return undefined;
  });
}

async function saveFile(context: CommandContext, input: CommandInput): Promise<void> {
  const form = "/save N [PATH]";
  const [, number, where] = /^\s*(\S+)\s*([^]*)$/.exec(input.text) ?? [];
  if (number === undefined) throw usage(form);
  const seq = parseNumber(number, form);
  const { path, rest } = takePath(where);
  if (rest.trim() !== "") throw usage(`${form}, and a path with spaces in quotes`);
  const { address } = placeOf(input);
  const attachment = await findFile(context, address, seq);
  context.transfer(`saving ${attachment.name}`, async (options) => {
    using file = await createFile(path === "" ? undefined : fromHome(path), attachment.name);
    await context.client.files.download({ with: address, seq, attachment }, file, options);
    await file.keep();
    return `Saved as "${sanitizeLine(file.path)}".`;
  });
}

async function findFile({ client }: CommandContext, address: string, seq: number): Promise<Attachment> {
  const { messages } = await client.history({ with: address, beforeSeq: seq + 1, limit: 1 });
  const found = messages.find((message) => message.seq === seq);
  const attachment = found && fromWireMessage(found)?.attachment;
  if (attachment !== undefined) return attachment;
  throw new ChatError("not_found", `Message ${seq} of this conversation has no file.`);
}
