import type { Identity } from "../core/accounts/accounts.ts";
import type { ChatError } from "../core/chat_error.ts";
import type { EncodedFrame } from "../wire/server_frame.ts";

/** A transport's side of one session. */
export interface SessionPipe {
  /** The client's address, for the log and for calls to the client. */
  readonly address: string;
  /** Called when the client has logged in. @throws {ChatError} to refuse its hello */
  onHello?(identity: Identity): void;
  /** Sends a frame. Throws nothing; a broken pipe calls `Session.disconnected`. */
  send(frame: EncodedFrame): void;
  /** Returns the octets of frames that are not sent yet. The pipe calls `Session.drained` when all are sent. */
  unsentBytes(): number;
  /** Ends the pipe after the frames so far. `reason` is undefined when the client closed its side. */
  end(reason: ChatError | undefined): void;
}
