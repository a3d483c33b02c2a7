import { waitAwake } from "../client/awake_wait.ts";
import type { ChatClient, ClientEvent } from "../client/chat_client.ts";
import { systemTimers } from "../client/timers.ts";
import { ChatError } from "../core/chat_error.ts";
import { maxTextBytes } from "../core/messages/message.ts";
import { sanitizeLine } from "../core/sanitize.ts";

export interface PipeOptions {
  /** The lines to send, in UTF-8; read no faster than the server accepts them. */
  input: AsyncIterable<Uint8Array>;
  to: string;
  client(onEvent: (event: ClientEvent) => void): ChatClient;
  /** Reports a problem to the person. */
  report(problem: string): void;
  /** How long to try without a connection, in milliseconds awake. Default 60 000. */
  patienceMs?: number;
}

/** Lines that may wait for the server at once. */
const maxWaiting = 256;
/** Their size at most, in UTF-16 units. */
const maxWaitingBytes = 1024 * 1024;

/**
 * Sends each line of the input as a message, except empty ones. Resolves when every line was accepted or refused.
 * @returns how many lines were refused.
 * @throws {ChatError} when the client gave up; `unavailable` when there was no connection for too long.
 */
export async function sendLines(options: PipeOptions): Promise<number> {
  const stop = new AbortController();
  const patience = new Patience(options.patienceMs ?? 60_000, () => stop.abort());
  let reported: string | undefined;
  const client = options.client((event) => {
    if (event.kind === "state" && event.state.kind === "online") patience.rest();
    if (event.kind === "state" && event.state.kind === "offline") {
      patience.wait(event.state.reason);
      if (reported !== event.state.reason.message) options.report(`${event.state.reason.message} Trying again.`);
      reported = event.state.reason.message;
    }
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
    while (waiting >= maxWaiting || waitingBytes >= maxWaitingBytes) await settled.promise;
    waiting++;
    waitingBytes += text.length;
    client.send(to, text).catch((error) => {
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

/** Ends after a time without a connection. */
class Patience {
  reason: ChatError | undefined;
  #cancel: (() => void) | undefined;
  readonly #ms: number;
  readonly #onEnd: () => void;

  constructor(ms: number, onEnd: () => void) {
    this.#ms = ms;
    this.#onEnd = onEnd;
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
