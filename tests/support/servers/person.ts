import assert from "node:assert/strict";
import { ChatClient, type ClientEvent } from "../../../src/client/chat_client.ts";
import type { Transport } from "../../../src/client/transport.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import { standardDeadlineMs } from "../waiting/deadlines.ts";

/** A registered user who is online, and records events. */
export interface Person {
  readonly client: ChatClient;
  /** Accepted messages, in the order of the server's answers. */
  readonly accepted: Message[];
  readonly received: Message[];
  /** Whether other users are online, by the latest event of each. */
  readonly online: ReadonlyMap<string, boolean>;
  /** The token of the registered device. */
  readonly token: string;
  stop(): Promise<void>;
}

/** Registers a user, and resolves when the user is online. */
export async function join(user: string, transport: Transport): Promise<Person> {
  const { credentials } = await transport.register(
    { user, password: "correct horse battery", invite: "", deviceName: "test" },
    {},
  );
  return await comeBack(credentials!.token, transport);
}

/** Continues as the device of a token, from its position. Resolves when the user is online. */
export async function comeBack(token: string, transport: Transport): Promise<Person> {
  const accepted: Message[] = [];
  const received: Message[] = [];
  const online = new Map<string, boolean>();
  const stopped = new AbortController();
  const client = new ChatClient({
    transport,
    token,
    client: "test",
    backoff: { initialMs: 50, maxMs: 200 },
    onEvent(event: ClientEvent) {
      if (event.kind === "accepted") accepted.push(event.message);
      if (event.kind === "message") received.push(event.message);
      if (event.kind === "presence") online.set(event.user, event.state !== "offline");
    },
  });
  const running = client.run({ signal: stopped.signal });
  // A new consumer starts at the head of the log.
  await until(() => client.state.kind === "online");
  return {
    client,
    accepted,
    received,
    online,
    token,
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

/** Resolves when the condition holds. @throws {Error} when it does not in time. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + standardDeadlineMs;
  while (!condition()) {
    assert.ok(performance.now() < deadline, "it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Returns a message without its ordinal, which a reply does not have: equal at both ends. */
export function essence({ ordinal: _, ...message }: Message): Omit<Message, "ordinal"> {
  return message;
}
