import { ChatClient, type ClientEvent } from "../client/chat_client.ts";
import type { Transport } from "../client/transport.ts";
import { LineFace } from "../terminal/line_face.ts";
import { describeProblem, sendLines } from "../terminal/pipe.ts";
import { PlainFace } from "../terminal/plain_face.ts";
import { chooseStyle } from "../terminal/style.ts";
import { TerminalChat } from "../terminal/terminal_chat.ts";
import { processDevice } from "../terminal/terminal_device.ts";
import { ClientState, type Consumer } from "./client_state.ts";
import { Login, type LoginOptions, saveCredentials } from "./saved_login.ts";
import { version } from "./version.ts";

/** What the client commands of all transports are asked to do. */
export interface ChatClientOptions extends LoginOptions {
  readonly to?: string;
  readonly consumer: string;
}

const done = 0;
const failed = 1;
const usage = 2;

/** Chats on a terminal, or sends the lines of a pipe. @returns the exit code. @throws {ChatError} why it had to end. */
export async function runChatClient(transport: Transport, options: ChatClientOptions): Promise<number> {
  const isTerminal = Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  if (!isTerminal && options.to === undefined) {
    console.error("chatd: --to NAME is needed when the lines come from a pipe: it says whom they are for.");
    return usage;
  }
  const state = new ClientState({ server: transport.address, user: options.user });
  const login = new Login(transport, options, state);
  // The terminal's place in the log is not for a pipe, which shows nothing.
  const wanted = !isTerminal && options.consumer === "ui" ? "pipe" : options.consumer;
  using consumer = state.takeConsumer(wanted);
  const run = isTerminal ? chat : pipe;
  for (;;) {
    const token = await login.token();
    try {
      return await run({ transport, options, state, consumer, token });
    } catch (error) {
      if (!await login.mayTryAgain(error, token)) throw error;
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

async function chat(run: Run): Promise<number> {
  const { transport, options, state, consumer } = run;
  const style = chooseStyle({ noColor: Deno.env.get("NO_COLOR"), term: Deno.env.get("TERM") });
  const isDumb = Deno.env.get("TERM") === "dumb";
  const stop = new AbortController();
  const stopHearing = onSignals(() => stop.abort());
  let client: ChatClient | undefined;
  const saved = state.read();
  const terminal = new TerminalChat({
    face: (options) =>
      isDumb ? new PlainFace(processDevice) : new LineFace({ device: processDevice, style, ...options }),
    style,
    user: options.user,
    address: transport.address,
    to: options.to,
    lastRecipient: saved.lastRecipient,
    client: (onEvent) => client = newClient(run, onEvent),
    keepCredentials: (credentials) => Promise.resolve(saveCredentials(state, credentials)),
    loggedOut: () => Promise.resolve(state.update(({ token: _dead, ...rest }) => rest)),
    signal: stop.signal,
  });
  try {
    const error = await terminal.run();
    if (error) throw error;
    return done;
  } finally {
    stopHearing();
    const resume = client?.resumePoint;
    const lastRecipient = terminal.recipient;
    state.update((saved) => ({
      ...saved,
      lastRecipient,
      ...(resume && {
        epoch: resume.epoch,
        positions: {
          ...(saved.epoch === resume.epoch ? saved.positions : {}),
          [consumer.name]: resume.after,
        },
      }),
    }));
  }
}

async function pipe(run: Run): Promise<number> {
  const refused = await sendLines({
    input: Deno.stdin.readable,
    to: run.options.to!,
    client: (onEvent) => newClient(run, onEvent),
    report: (problem) => console.error(describeProblem(problem)),
  });
  return refused === 0 ? done : failed;
}

function newClient(
  { transport, state, consumer, token }: Run,
  onEvent: (event: ClientEvent) => void | Promise<void>,
): ChatClient {
  const { epoch, positions } = state.read();
  const after = positions?.[consumer.name];
  return new ChatClient({
    transport,
    token,
    client: `chatd/${version}`,
    consumer: consumer.name,
    resume: epoch !== undefined && after !== undefined ? { epoch, after } : undefined,
    onEvent,
  });
}

function onSignals(stop: () => void): () => void {
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  return () => signals.forEach((signal) => Deno.removeSignalListener(signal, stop));
}
