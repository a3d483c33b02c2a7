import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, openConnection } from "../script/connection.ts";
import { pinFormat } from "../script/message_format.ts";
import { Output, printNotice } from "../script/output.ts";
import { withClient } from "../script/request_client.ts";
import { RoomNames } from "../script/room_names.ts";

interface PinOptions {
  readonly connection: ConnectionChoice;
  /** Address of the conversation. */
  readonly with: string;
  /** How long the command may take, with retries, in milliseconds; one attempt unless given. */
  readonly timeoutMs?: number;
}

export interface PinListOptions extends PinOptions {
  /** Prints one JSON object per line. */
  readonly json: boolean;
}

export interface PinChangeOptions extends PinOptions {
  /** The number of the message. */
  readonly seq: number;
}

/** Prints the pinned messages of a conversation, the newest pin first. */
export async function listPins({ connection: choice, with: place, json, timeoutMs }: PinListOptions): Promise<number> {
  const connection = await openConnection(choice);
  const output = new Output();
  const format = await pinFormat({ json, user: connection.user });
  await withClient(connection, async (client) => {
    const names = new RoomNames((address) => client.conversation(address));
    for (const pin of await client.pins.list(place)) {
      if (!await output.line(format(pin, await names.of(pin.message)))) return;
    }
  }, { timeoutMs });
  return exitCode.done;
}

/** Pins a message. Succeeds for a pinned one too. */
export async function addPin(options: PinChangeOptions): Promise<number> {
  const { with: place, seq } = options;
  const isNew = await request(options, async (client) => {
    try {
      await client.pins.add(place, seq);
      return true;
    } catch (error) {
      if (error instanceof ChatError && error.code === "already_exists") return false;
      throw error;
    }
  });
  printNotice(isNew ? `Pinned message ${seq} of ${place}.` : `Message ${seq} of ${place} is already pinned.`);
  return exitCode.done;
}

/** Removes the pin of a message. */
export async function removePin(options: PinChangeOptions): Promise<number> {
  const { with: place, seq } = options;
  await request(options, (client) => client.pins.remove(place, seq));
  printNotice(`Removed the pin of message ${seq} of ${place}.`);
  return exitCode.done;
}

async function request<T>(
  { connection, timeoutMs }: PinOptions,
  work: (client: ChatClient) => Promise<T>,
): Promise<T> {
  return await withClient(await openConnection(connection), work, { timeoutMs });
}
