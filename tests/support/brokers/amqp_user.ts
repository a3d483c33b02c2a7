import type { Socket } from "node:net";
import { type ChannelModel, connect } from "amqplib";
import { standardDeadlineMs } from "../waiting/deadlines.ts";

/** A user's connection to a broker, with its end. */
export interface AmqpUser extends AsyncDisposable {
  readonly model: ChannelModel;
  /** Resolves with the broker's reason, or "" when there was none. */
  readonly closed: Promise<string>;
  readonly isOpen: boolean;
}

/** Opens a connection that no client of chatd uses. @throws {Error} of amqplib */
export async function connectAs(url: string, { name }: { name?: string } = {}): Promise<AmqpUser> {
  const clientProperties = name === undefined ? {} : { connection_name: name };
  const model = await connect(url, { noDelay: true, timeout: standardDeadlineMs, clientProperties });
  let isOpen = true;
  let reason = "";
  model.on("error", (error: Error) => reason = error.message);
  const closed = new Promise<string>((resolve) => {
    model.on("close", (error?: Error) => {
      isOpen = false;
      resolve(reason || error?.message || "");
    });
  });
  return {
    model,
    closed,
    get isOpen() {
      return isOpen;
    },
    async [Symbol.asyncDispose]() {
      if (!isOpen) return;
      // A broker that does not answer must not hold up the end of a test.
      const timer = setTimeout(() => streamOf(model).destroy(), standardDeadlineMs);
      await Promise.race([model.close().catch(() => {}), closed]);
      clearTimeout(timer);
    },
  };
}

/** Returns the port of the client's socket; the broker's name for the connection contains it. */
export function localPort(model: ChannelModel): number {
  return streamOf(model).localPort;
}

function streamOf(model: ChannelModel): Socket & { localPort: number } {
  return (model.connection as unknown as { stream: Socket & { localPort: number } }).stream;
}
