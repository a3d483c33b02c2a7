import type { Identity } from "../core/accounts/accounts.ts";
import type { ChatError } from "../core/chat_error.ts";

/** A transport's side of one session. */
export interface SessionPipe {
  /** The client's address, for the log and for calls to the client. */
  readonly address: string;
  /** The client has logged in. @throws {ChatError} the refusal of its hello */
  onHello?(identity: Identity): void;
  /** Takes an encoded `ServerFrame`. Throws nothing; a pipe that broke says so through `Session.disconnected`. */
  send(frame: Uint8Array): void;
  /** Returns the octets of frames that have not left yet. The pipe reports when all have left by `Session.drained`. */
  unsentBytes(): number;
  /** No frame comes after this. `reason` undefined: the client left. */
  end(reason: ChatError | undefined): void;
}
