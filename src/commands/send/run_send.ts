import type { ChatClient, SendOptions } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { maxTextBytes } from "../../core/messages/message.ts";
import { openSource } from "../../terminal/local_file.ts";
import { splitLines } from "../../terminal/pipe.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, openConnection } from "../script/connection.ts";
import { joinAsNeeded } from "../script/join_room.ts";
import { messageFormat } from "../script/message_format.ts";
import { Output, printNotice } from "../script/output.ts";
import { type RequestClientOptions, withClient } from "../script/request_client.ts";

/** Options of `chatd send`. */
export interface SendCommandOptions {
  readonly connection: ConnectionChoice;
  readonly to: string;
  /** Words of one message; if empty, the text is read from stdin. */
  readonly words: readonly string[];
  /** Sends each line of stdin as a message. */
  readonly lines: boolean;
  readonly replyTo?: number;
  /** The path of a file to attach. */
  readonly file?: string;
  /** Marks the message as an automatic answer, which bots ignore. */
  readonly automatic: boolean;
  /** Prints accepted messages. */
  readonly json: boolean;
  /** Joins the room `to` first. */
  readonly join: boolean;
  /** How long everything may take, or with `lines` each wait for the server, in milliseconds. */
  readonly timeoutMs?: number;
}

/** How long to wait for the server at a time, unless the options limit it, in milliseconds. */
const standardPatienceMs = 60_000;

/** How many messages may wait for the server's reply at once. */
const maxWaiting = 64;

/** Sends messages until each is accepted or refused. @returns the exit code: 0 only if all are accepted */
export async function runSend(options: SendCommandOptions): Promise<number> {
  const connection = await openConnection(options.connection);
  const output = new Output();
  const format = options.json ? await messageFormat({ json: true, user: connection.user }) : undefined;
  // Reading may take as long as the writer of stdin does, so it is not part of the time limit.
  const drafts = options.lines ? readLines(Deno.stdin.readable) : [await readDraft(options)];
  return await withClient(connection, async (client) => {
    const { replyTo, automatic, file, to } = options;
    if (options.join) await joinAsNeeded(client, to);
    const upload = file === undefined ? undefined : await uploadFile(file, client);
    const extra: SendOptions = { replyTo, automatic, upload };
    let refused = 0;
    let failure: unknown;
    let printing = Promise.resolve(true);
    const waiting = new Set<Promise<void>>();
    for await (const { text, label, problem } of drafts) {
      const sending = (problem === undefined ? client.send(to, text, extra) : Promise.reject(problem)).then(
        (message) => {
          if (format !== undefined) printing = printing.then(() => output.line(format(message)));
        },
        (error) => {
          // The error that ended the client is more useful than one error per message.
          if (!options.lines || !(error instanceof ChatError) || client.state.kind === "ended") {
            failure ??= error;
            return;
          }
          printNotice(`${label}: ${error.message}`);
          refused++;
        },
      ).finally(() => waiting.delete(sending));
      waiting.add(sending);
      while (waiting.size >= maxWaiting) await Promise.race(waiting);
      if (failure !== undefined) break;
    }
    await Promise.all(waiting);
    await printing;
    if (failure !== undefined) throw failure;
    return refused === 0 ? exitCode.done : exitCode.failed;
  }, limitsOf(options));
}

function limitsOf({ lines, timeoutMs }: SendCommandOptions): RequestClientOptions {
  const patienceMs = timeoutMs ?? standardPatienceMs;
  return lines ? { patienceMs } : { patienceMs, timeoutMs };
}

async function uploadFile(path: string, client: ChatClient) {
  using source = await openSource(path);
  return await client.files.upload(source);
}

interface Draft {
  readonly text: string;
  /** Names the message in errors. */
  readonly label: string;
  readonly problem?: ChatError;
}

async function readDraft({ words, file }: SendCommandOptions): Promise<Draft> {
  const isGiven = words.length > 0 || file !== undefined;
  if (!isGiven && Deno.stdin.isTerminal()) printNotice("Reading the message from the terminal. End it with Ctrl-D.");
  return { text: isGiven ? words.join(" ") : await readText(Deno.stdin.readable), label: "message" };
}

async function* readLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Draft, void> {
  for await (const { number, text, problem } of splitLines(input)) {
    const label = `line ${number}`;
    if (problem !== undefined) yield { text: "", label, problem: new ChatError("invalid_argument", problem) };
    else if (text !== "") yield { text, label };
  }
}

/** Reads the whole input as one text, without its last line break. @throws {ChatError} `invalid_argument` */
async function readText(input: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const part of input) {
    length += part.length;
    if (length > maxTextBytes + 2) {
      throw new ChatError("invalid_argument", "The message is longer than 16 KiB: split it.");
    }
    parts.push(part.slice());
  }
  try {
    const bytes = await new Blob(parts).bytes();
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new ChatError("invalid_argument", "The message is not valid UTF-8.", { cause });
  }
}
