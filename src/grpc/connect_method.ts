import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Chat } from "../core/chat.ts";
import { toChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { ClientFrame } from "../gen/chatd/v1/session.ts";
import type { DialCallback } from "../session/callback_delivery.ts";
import { Session } from "../session/session.ts";
import { decodeStrictly } from "../wire/strict_reader.ts";
import { peerAddress } from "./peer_address.ts";
import { toStatus } from "./status.ts";
import type { LoggedInCall } from "./unary_methods.ts";

export interface ConnectOptions {
  chat: Chat;
  log: Log;
  server: string;
  defer(callback: () => void): void;
  onLogIn(call: LoggedInCall, user: string): void;
  /** Calls back the client at an address; absent when this server does not call back. */
  dialCallback?(address: string): DialCallback;
}

/** The handler of `ChatService.Connect`: one live session for each call. Frames are bytes both ways. */
export function connectMethod(options: ConnectOptions): (call: ServerDuplexStream<Uint8Array, Uint8Array>) => void {
  return (call) => {
    const address = peerAddress(call.getPeer());
    const session = new Session({
      ...options,
      peer: { transport: "grpc", address },
      dialCallback: options.dialCallback?.(address),
      onHello: (user) => options.onLogIn(call, user),
      pipe: {
        send: (frame) => {
          if (!call.cancelled) call.write(frame);
        },
        end: (reason) => {
          if (reason === undefined) call.end();
          else call.emit("error", toStatus(reason));
        },
      },
    });
    call.on("data", (bytes: Uint8Array) => {
      let frame: ClientFrame;
      try {
        frame = decodeStrictly(ClientFrame, bytes);
      } catch (error) {
        return session.end(toChatError(error));
      }
      session.receive(frame, bytes.length);
    });
    call.on("end", () => session.leave());
    for (const event of ["cancelled", "close"]) call.on(event, () => session.disconnected());
    call.on("error", () => session.disconnected());
  };
}
