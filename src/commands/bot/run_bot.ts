import { ChatError } from "../../core/chat_error.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, openConnection } from "../script/connection.ts";
import { resolveConversations, runConsumer, savePosition, takeExclusiveConsumer } from "../script/consumer_session.ts";
import { printNotice } from "../script/output.ts";
import { stopOnSignals } from "../script/stop_on_signals.ts";
import { Bot } from "./bot.ts";

/** Options of `chatd bot`. */
export interface BotCommandOptions {
  readonly connection: ConnectionChoice;
  readonly name: string;
  /** A program and its arguments. */
  readonly command: readonly string[];
  /** Addresses of conversations; an empty list means all. */
  readonly conversations: readonly string[];
  readonly mentionsOnly: boolean;
  readonly concurrency: number;
  /** Shows the user as online while the bot runs. */
  readonly online: boolean;
  /** For each run of the command, in milliseconds. */
  readonly timeoutMs: number;
}

/** How long commands may continue after the bot was told to stop, in milliseconds. */
const endGraceMs = 5_000;

/** A profile of the command line replaces the variables of a connection, for chatd commands of the bot too. */
const noPlace = { CHATD_USER: "", CHATD_VIA: "", CHATD_SERVER: "", CHATD_BROKER: "" };

/** Answers messages until a signal arrives. @returns the exit code. @throws {ChatError} if it cannot continue */
export async function runBot(options: BotCommandOptions): Promise<number> {
  const connection = await openConnection(options.connection);
  const { user, profile } = connection;
  using consumer = takeExclusiveConsumer(connection, "bot", options.name);
  using signals = stopOnSignals();
  const stopped = new Promise<undefined>((resolve) => {
    signals.signal.addEventListener("abort", () => resolve(undefined));
    if (signals.signal.aborted) resolve(undefined);
  });
  const only = await Promise.race([resolveConversations(connection, options.conversations), stopped]);
  if (signals.signal.aborted) return exitCode.done;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const bot = new Bot({
    ...options,
    user,
    only,
    // Commands may use chatd as the same user, but do not get the password.
    env: {
      CHATD_PASSWORD: "",
      ...(profile !== undefined && options.connection.given === undefined && noPlace),
      ...(profile !== undefined && { CHATD_PROFILE: profile }),
    },
    onFailed: (error) => failed.reject(error),
  });
  const stop = new AbortController();
  const running = runConsumer({
    connection,
    consumer,
    concurrent: true,
    signal: stop.signal,
    onMessage: (message) => bot.take(message),
    onClient: (client) => bot.client = client,
    // If it fails, the session is over, and the next one tries again.
    onOnline: () => void (options.online && bot.client?.people.setAway(false).catch(() => {})),
  });
  running.catch(() => {});
  printNotice(`The bot "${options.name}" answers as ${user} at ${connection.transport.address}.`);
  try {
    await Promise.race([running, failed.promise, stopped]);
    await bot.stop(endGraceMs);
  } finally {
    await bot.kill();
    stop.abort();
    await running.then((resume) => resume && savePosition(connection, consumer, resume), (error) => {
      if (!(error instanceof ChatError)) throw error;
    });
  }
  return exitCode.done;
}
