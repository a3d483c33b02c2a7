import assert from "node:assert/strict";
import { ChatClient, type ChatClientOptions, type ClientEvent } from "../../../src/client/chat_client.ts";
import type { ChatError } from "../../../src/core/chat_error.ts";
import { FakeChatServer } from "./fake_chat_server.ts";
import { ManualTimers } from "./manual_timers.ts";

/** A client of a fake server, and what it was told. */
export interface Started {
  server: FakeChatServer;
  timers: ManualTimers;
  client: ChatClient;
  events: ClientEvent[];
  running: Promise<ChatError | undefined>;
  texts(): string[];
}

/** Runs a client of a fake server, connected unless `online` is false, and stops it after the use. */
export async function withClient(
  use: (started: Started) => Promise<void>,
  setup: { server?: FakeChatServer; options?: Partial<ChatClientOptions>; online?: boolean } = {},
): Promise<void> {
  const server = setup.server ?? new FakeChatServer();
  const timers = new ManualTimers();
  const events: ClientEvent[] = [];
  const client = new ChatClient({
    transport: server.transport,
    token: "token-ana",
    client: "test/1",
    timers,
    backoff: { random: () => 0.5 },
    onEvent: (event) => void events.push(event),
    ...setup.options,
  });
  const stop = new AbortController();
  const running = client.run({ signal: stop.signal });
  const texts = () => events.flatMap((event) => event.kind === "message" ? [event.message.text] : []);
  try {
    if (setup.online !== false) await timers.until(() => client.state.kind === "online");
    await use({ server, timers, client, events, running, texts });
  } finally {
    stop.abort();
    server.thaw();
    await running;
  }
  assert.equal(timers.pending, 0, "timers were left");
}
