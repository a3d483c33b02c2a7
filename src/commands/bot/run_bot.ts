import { ChatError } from "../../core/chat_error.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, openConnection } from "../script/connection.ts";
import { conversationsOf, keepPosition, runConsumer, takeOnly } from "../script/consumer_session.ts";
import { tell } from "../script/output.ts";
import { stopOnSignals } from "../script/stop_on_signals.ts";
import { Bot } from "./bot.ts";

/** What `chatd bot` is asked to do. */
export interface BotCommandOptions {
  readonly connection: ConnectionChoice;
  readonly name: string;
  /** A program and its arguments. */
  readonly command: readonly string[];
  /** Addresses; all conversations when there is none. */
  readonly conversations: readonly string[];
  readonly mentionsOnly: boolean;
  readonly concurrency: number;
  /** For each run of the command, in milliseconds. */
  readonly timeoutMs: number;
}

/** How long commands may go on when the bot is told to end, in milliseconds. */
const endGraceMs = 5_000;

/** Answers messages until it is told to end. @returns the exit code. @throws {ChatError} why it had to end */
export async function runBot(options: BotCommandOptions): Promise<number> {
  const connection = await openConnection(options.connection);
  const { user, profile } = connection;
  using consumer = takeOnly(connection, "bot", options.name);
  using signals = stopOnSignals();
  const told = new Promise<undefined>((resolve) => {
    signals.signal.addEventListener("abort", () => resolve(undefined));
    if (signals.signal.aborted) resolve(undefined);
  });
  const only = await Promise.race([conversationsOf(connection, options.conversations), told]);
  if (signals.signal.aborted) return exitCode.done;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const bot = new Bot({
    ...options,
    user,
    only,
    // What it starts may use chatd as the same user, but has no business with the password.
    env: { CHATD_PASSWORD: "", ...(profile !== undefined && { CHATD_PROFILE: profile }) },
    failed: (error) => failed.reject(error),
  });
  const stop = new AbortController();
  const running = runConsumer({
    connection,
    consumer,
    concurrent: true,
    signal: stop.signal,
    onMessage: (message) => bot.take(message),
    onClient: (client) => bot.client = client,
  });
  running.catch(() => {});
  tell(`The bot "${options.name}" answers as ${user} at ${connection.transport.address}.`);
  try {
    await Promise.race([running, failed.promise, told]);
    await bot.stop(endGraceMs);
  } finally {
    await bot.kill();
    stop.abort();
    await running.then((resume) => resume && keepPosition(connection, consumer, resume), (error) => {
      if (!(error instanceof ChatError)) throw error;
    });
  }
  return exitCode.done;
}
