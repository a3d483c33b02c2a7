import type { Consumer } from "../../app/client/client_state.ts";
import { savedPosition, withPosition } from "../../app/client/saved_positions.ts";
import { ChatClient, type ClientEvent, restoredNote } from "../../client/chat_client.ts";
import type { ResumePoint } from "../../client/delivery_cursor.ts";
import { waitingNote } from "../../client/waiting_note.ts";
import { ChatError } from "../../core/chat_error.ts";
import { parseAddress } from "../../core/messages/address.ts";
import { directConversation, type Message } from "../../core/messages/message.ts";
import { version } from "../../host/version.ts";
import type { ScriptConnection } from "./connection.ts";
import { printNotice } from "./output.ts";
import { withClient } from "./request_client.ts";

export interface ConsumerSessionOptions {
  readonly connection: ScriptConnection;
  readonly consumer: Consumer;
  /** Passes messages on while earlier ones are still being processed. */
  readonly concurrent?: boolean;
  readonly signal: AbortSignal;
  /** The message is acknowledged once the result resolves. Must not throw. */
  onMessage(message: Message): void | Promise<void>;
  /** Called when a session begins, before messages from the cursor on. */
  onOnline?(): void;
  /** Called when the server has another log than before: known positions are invalid. */
  onRestored?(): void;
  /** Called with the client of each attempt before it connects. */
  onClient?(client: ChatClient): void;
}

/** The longest possible timeout. */
export const foreverMs = 2 ** 31 - 1;

/** Takes a consumer name that only one process may use. @throws {ChatError} `busy` if another process has it */
export function takeExclusiveConsumer(connection: ScriptConnection, kind: "tail" | "bot", name: string): Consumer {
  const consumer = connection.state.tryConsumer(`${kind}:${name}`, { most: 1 });
  if (consumer !== undefined) return consumer;
  throw new ChatError(
    "busy",
    `"chatd ${kind}" with the name "${name}" is already running for ${connection.user} on this machine: choose another --name.`,
  );
}

/**
 * Delivers messages from the consumer's cursor on until `signal` aborts. Reconnects without limit, and reports it on
 * stderr.
 * @returns the new cursor
 * @throws {ChatError} if reconnecting cannot help
 */
export async function runConsumer(options: ConsumerSessionOptions): Promise<ResumePoint | undefined> {
  const { connection: { transport, state, login }, consumer, concurrent, signal } = options;
  for (;;) {
    const token = await login.token();
    let lastNotice: string | undefined;
    let server = transport.address;
    const say = (reason: ChatError) => {
      const note = waitingNote(transport.address, reason);
      if (note !== lastNotice) printNotice(note);
      lastNotice = note;
    };
    const onEvent = (event: ClientEvent) => {
      if (event.kind === "message") return options.onMessage(event.message);
      if (event.kind !== "state") return;
      if (event.state.kind === "online") options.onOnline?.();
      if (event.state.kind === "online" && lastNotice !== undefined) {
        printNotice(server === event.state.server ? "Connected again." : `Connected again, to ${event.state.server}.`);
        lastNotice = undefined;
      }
      if (event.state.kind === "online") server = event.state.server;
      if (event.state.kind === "online" && event.state.restored) {
        printNotice(restoredNote);
        options.onRestored?.();
      }
      if (event.state.kind === "offline") say(event.state.reason);
    };
    const client = new ChatClient({
      transport,
      token,
      client: `chatd/${version}`,
      consumer: consumer.name,
      concurrent,
      resume: savedPosition(state.read(), consumer.name),
      onEvent,
    });
    options.onClient?.(client);
    const error = await client.run({ signal });
    if (error === undefined) return client.resumePoint;
    if (!login.canRetry(error, token)) throw error;
  }
}

/** Saves the cursor of a consumer. */
export function savePosition({ state }: ScriptConnection, consumer: Consumer, resume: ResumePoint): void {
  state.update((saved) => withPosition(saved, consumer.name, resume));
}

/**
 * Resolves addresses to ids of conversations; undefined, which means all, if there are no addresses. Names of rooms are
 * resolved by the server. @throws {ChatError} `not_found`
 */
export async function resolveConversations(
  connection: ScriptConnection,
  addresses: readonly string[],
): Promise<ReadonlySet<string> | undefined> {
  if (addresses.length === 0) return undefined;
  const parsed = addresses.map((text) => ({ text, address: parseAddress(text) }));
  const resolve = async (resolveName: (room: string) => Promise<string>) => {
    const found = new Set<string>();
    for (const { text, address } of parsed) {
      if (address.kind === "user") found.add(directConversation(connection.user, address.name));
      else if (address.kind === "room_id") found.add(address.id);
      else found.add(await resolveName(text));
    }
    return found;
  };
  if (parsed.every(({ address }) => address.kind === "user" || address.kind === "room_id")) {
    return await resolve(() => Promise.resolve(""));
  }
  return await withClient(
    connection,
    (client) => resolve(async (room) => (await client.conversation(room)).conversation),
    { patienceMs: foreverMs },
  );
}
