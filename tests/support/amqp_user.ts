import { type ChannelModel, connect } from "amqplib";

/** A connection of somebody to a broker, and what becomes of it. */
export interface AmqpUser extends AsyncDisposable {
  readonly model: ChannelModel;
  /** Resolves with the broker's reason, or "" when there was none. */
  readonly closed: Promise<string>;
  readonly isOpen: boolean;
}

/** Connects as nobody's client in particular. Rejects with amqplib's error. */
export async function connectAs(url: string, { name }: { name?: string } = {}): Promise<AmqpUser> {
  const clientProperties = name === undefined ? {} : { connection_name: name };
  const model = await connect(url, { noDelay: true, timeout: 60_000, clientProperties });
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
      if (isOpen) await model.close().catch(() => {});
    },
  };
}

/** Of the socket, which the broker's name of the connection begins with. */
export function localPort(model: ChannelModel): number {
  return (model.connection as unknown as { stream: { localPort: number } }).stream.localPort;
}
