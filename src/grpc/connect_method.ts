import type { Chat } from "../core/chat.ts";
import { toChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { ClientFrame } from "../gen/chatd/v1/session.ts";
import type { DialCallback } from "../session/callback_delivery.ts";
import { Session } from "../session/session.ts";
import { decodeStrictly } from "../wire/strict_reader.ts";
import type { Device } from "./client_connection.ts";
import type { IncomingCall, Method } from "./incoming_call.ts";

export interface ConnectOptions {
  chat: Chat;
  log: Log;
  server: string;
  defer(callback: () => void): void;
  /** A device logged in by a call. @throws {ChatError} `limit_reached` */
  onLogIn(call: IncomingCall, device: Device): void;
  /** Calls back the client at an address; absent when this server does not call back. */
  dialCallback?(address: string): DialCallback;
}

/** `ChatService.Connect`: one live session for each call. Frames are bytes both ways. */
export function connectMethod(options: ConnectOptions): Method {
  return (call) => {
    const { address } = call.connection;
    call.dropMetadata();
    const session = new Session({
      ...options,
      peer: { transport: "grpc", address },
      dialCallback: options.dialCallback?.(address),
      onHello: (identity) => options.onLogIn(call, identity),
      pipe: {
        send: (frame) => call.send(frame),
        end: (reason) => reason === undefined ? call.end() : call.fail(reason),
        unsentBytes: () => call.queuedBytes,
      },
    });
    return {
      onMessage(message) {
        let frame: ClientFrame;
        try {
          // Byte strings in a frame are parts of the message.
          frame = decodeStrictly(ClientFrame, message.slice());
        } catch (error) {
          return session.end(toChatError(error));
        }
        session.receive(frame, message.length);
      },
      onHalfClose: () => session.leave(),
      onDrain: () => session.drained(),
      onClose: () => session.disconnected(),
    };
  };
}
