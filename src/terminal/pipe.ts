import { waitAwake } from "../client/awake_wait.ts";
import type { ChatClient, ClientEvent } from "../client/chat_client.ts";
import { systemTimers } from "../client/timers.ts";
import { waitingNote } from "../client/waiting_note.ts";
import { ChatError } from "../core/chat_error.ts";
import { maxTextBytes } from "../core/messages/message.ts";
import { sanitizeLine } from "../core/sanitize.ts";

export interface PipeOptions {
  /** The lines to send, in UTF-8; read no faster than the server accepts them. */
  input: AsyncIterable<Uint8Array>;
  to: string;
  /** The server's address, for people. */
  address: string;
  client(onEvent: (event: ClientEvent) => void): ChatClient;
  /** Reports a problem to the person. */
  report(problem: string): void;
  /** How long to try without a connection, or with a full disk of the server, in milliseconds awake. Default 60 000. */
  patienceMs?: number;
}

/** Lines that may wait for the server at once. */
const maxWaiting = 256;
/** Their size at most, in UTF-16 units. */
const maxWaitingBytes = 1024 * 1024;
/** How much of a refused command its error shows, in UTF-16 units. */
const maxShownCommand = 32;

/**
 * Sends each line of the input as a message, except empty ones. Refuses lines that are commands on a terminal; "//" at
 * the start of a line stands for a slash, as there. Resolves when every line was accepted or refused.
 * @returns how many lines were refused.
 * @throws {ChatError} when the client gave up; `unavailable` when there was no connection for too long, `storage_full` when
 * the server's disk was full for as long.
 */
export async function sendLines(options: PipeOptions): Promise<number> {
  const stop = new AbortController();
  const patience = new Patience(options.patienceMs ?? 60_000, () => stop.abort());
  const reported = new Set<string>();
  const waitFor = (reason: ChatError) => {
    patience.wait(reason);
    const note = waitingNote(options.address, reason);
    if (!reported.has(note)) options.report(note);
    reported.add(note);
  };
  const client: ChatClient = options.client((event) => {
    if (event.kind === "accepted") patience.rest();
    if (event.kind === "postponed" && event.reason.code === "storage_full") waitFor(event.reason);
    if (event.kind !== "state") return;
    if (event.state.kind === "online" && !patience.awaitsRoom) patience.rest();
    if (event.state.kind === "offline") waitFor(event.state.reason);
  });
  patience.wait(undefined);
  const running = client.run({ signal: stop.signal });
  try {
    return await Promise.race([sendAll(client, options), giveUp(running, patience)]);
  } finally {
    patience.rest();
    stop.abort();
    await running;
  }
}

async function giveUp(running: Promise<ChatError | undefined>, patience: Patience): Promise<never> {
  const error = await running;
  throw error ?? patience.reason ?? new ChatError("unavailable", "The server cannot be reached.");
}

async function sendAll(client: ChatClient, { input, to, report }: PipeOptions): Promise<number> {
  let refused = 0;
  let waiting = 0;
  let waitingBytes = 0;
  let settled = Promise.withResolvers<void>();
  for await (const { number, text, problem } of splitLines(input)) {
    if (problem !== undefined) {
      report(`line ${number}: ${problem}`);
      refused++;
      continue;
    }
    if (text === "") continue;
    if (isCommand(text)) {
      report(`line ${number}: ${commandRefusal(text)}`);
      refused++;
      continue;
    }
    while (waiting >= maxWaiting || waitingBytes >= maxWaitingBytes) await settled.promise;
    waiting++;
    waitingBytes += text.length;
    client.send(to, withoutEscape(text)).catch((error) => {
      refused++;
      if (client.state.kind !== "ended") report(`line ${number}: ${error.message}`);
    }).finally(() => {
      waiting--;
      waitingBytes -= text.length;
      settled.resolve();
      settled = Promise.withResolvers();
    });
  }
  while (waiting > 0) await settled.promise;
  // The error of the client is the cause of all refusals.
  if (client.state.kind === "ended" && client.state.error) throw client.state.error;
  return refused;
}

function isCommand(line: string): boolean {
  return line.startsWith("/") && !line.startsWith("//");
}

function commandRefusal(line: string): string {
  const [word] = line.split(/\s/, 1);
  return `${word.slice(0, maxShownCommand)} is a command, and a pipe cannot run it. It was not sent. ` +
    'To send a text that begins with a slash, begin it with "//".';
}

/** Returns the text of a line, whose first slash may be written as two. */
function withoutEscape(line: string): string {
  return line.replace(/^\/\//, "/");
}

interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly text: string;
  /** Why the line cannot be sent. */
  readonly problem?: string;
}

/** Lines of UTF-8, without "\n" or "\r\n"; of a longer line than a message may be, only that much is kept. */
export async function* splitLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Line, void> {
  let kept: Uint8Array[] = [];
  let length = 0;
  let number = 0;
  const keep = (bytes: Uint8Array) => {
    // One more byte for "\r". Copied, since the reader may reuse its buffer.
    if (length <= maxTextBytes + 1 && bytes.length > 0) kept.push(bytes.slice(0, maxTextBytes + 2 - length));
    length += bytes.length;
  };
  const finish = (): Line => {
    const line = decodeLine(++number, kept, length);
    kept = [];
    length = 0;
    return line;
  };
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      keep(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  if (length > 0) yield finish();
}

function decodeLine(number: number, parts: readonly Uint8Array[], length: number): Line {
  if (length > maxTextBytes + 1) return { number, text: "", problem: "It is longer than 16 KiB. Split it." };
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    const text = parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
    return { number, text: text.replace(/\r$/, "") };
  } catch {
    return { number, text: "", problem: "It is not valid UTF-8." };
  }
}

/** Ends after a time without a connection, or without room on the server's disk. */
class Patience {
  reason: ChatError | undefined;
  #cancel: (() => void) | undefined;
  readonly #ms: number;
  readonly #onEnd: () => void;

  constructor(ms: number, onEnd: () => void) {
    this.#ms = ms;
    this.#onEnd = onEnd;
  }

  /** Whether the server's disk is full. */
  get awaitsRoom(): boolean {
    return this.#cancel !== undefined && this.reason?.code === "storage_full";
  }

  wait(reason: ChatError | undefined): void {
    this.reason = reason ?? this.reason;
    this.#cancel ??= waitAwake(systemTimers, this.#ms, this.#onEnd);
  }

  rest(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/** Formats a problem as one line that is safe for a terminal. */
export function describeProblem(problem: string): string {
  return `chatd: ${sanitizeLine(problem)}`;
}
