import { ClientState, type Consumer } from "../../app/client/client_state.ts";
import { Login, type LoginOptions, saveCredentials } from "../../app/client/saved_login.ts";
import { savedPosition, withPosition } from "../../app/client/saved_positions.ts";
import { ChatClient, type ClientEvent } from "../../client/chat_client.ts";
import { identityOf, type Transport } from "../../client/transport.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import { version } from "../../host/version.ts";
import type { ChatFace, FaceContext } from "../../terminal/chat/chat_face.ts";
import { processDevice } from "../../terminal/input/terminal_device.ts";
import type { StyleEnvironment } from "../../terminal/text/style.ts";
import { describeProblem, sendLines } from "../../terminal/pipe.ts";
import { exitCode } from "../exit_code.ts";
import { processEnvironment } from "../options/environment.ts";

/** Options of the client commands of all transports. */
export interface ChatClientOptions extends LoginOptions {
  readonly to?: string;
  /** The name of the recipient on the command line; "--to NAME" unless given. */
  readonly recipientName?: string;
  readonly consumer: string;
  /** Uses line mode instead of the full screen. */
  readonly plain?: boolean;
  readonly noColor?: boolean;
}

/**
 * Chats on a terminal, or sends the lines of a pipe.
 * @returns the exit code.
 * @throws {ChatError} if it cannot continue
 */
export async function runChatClient(transport: Transport, options: ChatClientOptions): Promise<number> {
  const isTerminal = Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  if (!isTerminal && options.to === undefined) {
    console.error(`chatd: ${options.recipientName ?? "--to NAME"} is required when the input is a pipe.`);
    return exitCode.usage;
  }
  const state = new ClientState({ server: identityOf(transport), user: options.user, ownLogin: options.ownLogin });
  const login = new Login(transport, options, state);
  // A pipe shows no messages, so it must not move the terminal's cursor.
  const wanted = !isTerminal && options.consumer === "ui" ? "pipe" : options.consumer;
  using consumer = state.takeConsumer(wanted);
  const run = isTerminal ? chat : pipe;
  for (;;) {
    const token = await login.token();
    try {
      return await run({ transport, options, state, consumer, token });
    } catch (error) {
      if (!await login.canRetry(error, token)) throw error;
    }
  }
}

interface Run {
  readonly transport: Transport;
  readonly options: ChatClientOptions;
  readonly state: ClientState;
  readonly consumer: Consumer;
  readonly token: string;
}

/** Smaller terminals use line mode. */
const minColumns = 40;
const minRows = 10;

async function chat(run: Run): Promise<number> {
  const { transport, options, state, consumer } = run;
  const { findMultiplexer } = await import("../../terminal/text/multiplexer.ts");
  const multiplexer = findMultiplexer({ tmux: processEnvironment("TMUX"), sty: processEnvironment("STY") });
  const environment = {
    noColor: options.noColor ? "1" : Deno.env.get("NO_COLOR"),
    term: Deno.env.get("TERM"),
    multiplexer,
  };
  const stop = new AbortController();
  const removeListeners = onSignals(() => stop.abort());
  let client: ChatClient | undefined;
  const { TerminalChat } = await import("../../terminal/chat/terminal_chat.ts");
  const terminal = new TerminalChat({
    face: usesFullScreen(options, environment.term)
      ? await fullScreen(environment, identityOf(transport))
      : await lineByLine(environment),
    user: options.user,
    to: options.to,
    lastRecipient: state.read().lastRecipient,
    client: (onEvent: (event: ClientEvent) => void | Promise<void>) => client = newClient(run, onEvent),
    keepCredentials: (credentials: Credentials) => Promise.resolve(saveCredentials(state, credentials)),
    loggedOut: () => Promise.resolve(state.update(({ token: _dead, ...rest }) => rest)),
    preferences: {
      read: () => state.read().screen ?? {},
      update: (change) => state.update((saved) => ({ ...saved, screen: change(saved.screen ?? {}) })),
    },
    signal: stop.signal,
    multiplexer,
  });
  try {
    const error = await terminal.run();
    if (error) throw error;
    return exitCode.done;
  } finally {
    removeListeners();
    const resume = client?.resumePoint;
    const lastRecipient = terminal.recipient;
    state.update((saved) => ({
      ...(resume === undefined ? saved : withPosition(saved, consumer.name, resume)),
      lastRecipient,
    }));
  }
}

function usesFullScreen({ plain }: ChatClientOptions, term: string | undefined): boolean {
  if (plain || term === undefined || term === "" || term === "dumb") return false;
  const { columns, rows } = processDevice.size();
  return columns >= minColumns && rows >= minRows;
}

type MakeFace = (context: FaceContext) => ChatFace;

/** Loads the line mode; a pipe needs nothing of it. */
async function lineByLine(environment: StyleEnvironment): Promise<MakeFace> {
  const { LineFace } = await import("../../terminal/line/line_face.ts");
  const { chooseStyle } = await import("../../terminal/text/style.ts");
  const options = { device: processDevice, style: chooseStyle(environment), isDumb: environment.term === "dumb" };
  return (context) => new LineFace(context, options);
}

/** Loads the full screen on demand, because other commands do not need it. */
async function fullScreen(environment: StyleEnvironment, address: string): Promise<MakeFace> {
  const { FullScreenFace } = await import("../../terminal/full_screen/full_screen_face.ts");
  const { choosePalette } = await import("../../terminal/full_screen/palette.ts");
  const options = { device: processDevice, palette: choosePalette(environment), address };
  return (context) => new FullScreenFace(context, options);
}

async function pipe(run: Run): Promise<number> {
  const refused = await sendLines({
    input: Deno.stdin.readable,
    to: run.options.to!,
    address: run.transport.address,
    client: (onEvent) => newClient(run, onEvent),
    report: (problem) => console.error(describeProblem(problem)),
  });
  return refused === 0 ? exitCode.done : exitCode.failed;
}

function newClient(
  { transport, state, consumer, token }: Run,
  onEvent: (event: ClientEvent) => void | Promise<void>,
): ChatClient {
  return new ChatClient({
    transport,
    token,
    client: `chatd/${version}`,
    consumer: consumer.name,
    resume: savedPosition(state.read(), consumer.name),
    onEvent,
  });
}

function onSignals(stop: () => void): () => void {
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  return () => signals.forEach((signal) => Deno.removeSignalListener(signal, stop));
}
