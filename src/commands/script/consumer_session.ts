import type { Consumer } from "../../app/client/client_state.ts";
import { savedPosition, withPosition } from "../../app/client/saved_positions.ts";
import { ChatClient, type ClientEvent, restoredNote } from "../../client/chat_client.ts";
import type { ResumePoint } from "../../client/delivery_cursor.ts";
import { ChatError } from "../../core/chat_error.ts";
import { parseAddress } from "../../core/messages/address.ts";
import { directConversation, type Message } from "../../core/messages/message.ts";
import { version } from "../../host/version.ts";
import type { ScriptConnection } from "./connection.ts";
import { tell } from "./output.ts";
import { withClient } from "./request_client.ts";

export interface ConsumerSessionOptions {
  readonly connection: ScriptConnection;
  readonly consumer: Consumer;
  /** Messages are given while earlier ones are still worked on. */
  readonly concurrent?: boolean;
  readonly signal: AbortSignal;
  /** Acknowledged when its result is there. Must not throw. */
  onMessage(message: Message): void | Promise<void>;
  /** There is a session: messages come from where the consumer is. */
  onOnline?(): void;
  /** The server's log is another one than before: positions that are known of it mean nothing now. */
  onRestored?(): void;
  /** The client of each try, before it connects. */
  onClient?(client: ChatClient): void;
}

/** Waiting for a server takes as long as it takes. */
export const everMs = 2 ** 31 - 1;

/** Takes a consumer name that only one process may use. @throws {ChatError} `busy` when another one does */
export function takeOnly(connection: ScriptConnection, kind: "tail" | "bot", name: string): Consumer {
  const consumer = connection.state.tryConsumer(`${kind}:${name}`, { most: 1 });
  if (consumer !== undefined) return consumer;
  throw new ChatError(
    "busy",
    `"chatd ${kind}" with the name "${name}" is already running for ${connection.user} on this machine: choose another --name.`,
  );
}

/**
 * Stays connected, from where this consumer stopped, until `signal` aborts. Without a connection it tries again for ever, and says so.
 * @returns where it came to. @throws {ChatError} what connecting again cannot help
 */
export async function runConsumer(options: ConsumerSessionOptions): Promise<ResumePoint | undefined> {
  const { connection: { transport, state, login }, consumer, concurrent, signal } = options;
  for (;;) {
    const token = await login.token();
    let told: string | undefined;
    const onEvent = (event: ClientEvent) => {
      if (event.kind === "message") return options.onMessage(event.message);
      if (event.kind !== "state") return;
      if (event.state.kind === "online") options.onOnline?.();
      if (event.state.kind === "online" && told !== undefined) {
        tell("Connected again.");
        told = undefined;
      }
      if (event.state.kind === "online" && event.state.restored) {
        tell(restoredNote);
        options.onRestored?.();
      }
      if (event.state.kind !== "offline" || event.state.reason.message === told) return;
      told = event.state.reason.message;
      tell(`${told} Trying again.`);
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
    if (!login.mayTryAgain(error, token)) throw error;
  }
}

/** Remembers where a consumer came to. */
export function keepPosition({ state }: ScriptConnection, consumer: Consumer, resume: ResumePoint): void {
  state.update((saved) => withPosition(saved, consumer.name, resume));
}

/**
 * The conversations that addresses mean; undefined, for all, when there is none. The server is asked for rooms by name: it has to
 * be there then. @throws {ChatError} `not_found`
 */
export async function conversationsOf(
  connection: ScriptConnection,
  addresses: readonly string[],
): Promise<ReadonlySet<string> | undefined> {
  if (addresses.length === 0) return undefined;
  const parsed = addresses.map((text) => ({ text, address: parseAddress(text) }));
  const resolve = async (ask: (room: string) => Promise<string>) => {
    const found = new Set<string>();
    for (const { text, address } of parsed) {
      if (address.kind === "user") found.add(directConversation(connection.user, address.name));
      else if (address.kind === "room_id") found.add(address.id);
      else found.add(await ask(text));
    }
    return found;
  };
  if (parsed.every(({ address }) => address.kind !== "room_name")) return await resolve(() => Promise.resolve(""));
  return await withClient(
    connection,
    (client) => resolve(async (room) => (await client.conversation(room)).conversation),
    { patienceMs: everMs },
  );
}
