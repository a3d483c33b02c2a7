import type { ConnectionError } from "./errors.ts";
import type { HeaderList } from "./header_rules.ts";
import type { Http2Stream } from "./stream.ts";

/** Events of a connection, for its owner. */
export interface ConnectionEvents {
  /** Called with each request to a server; its owner must set `stream.events` before it returns. */
  onRequest?(stream: Http2Stream, request: HeaderList): void;
  /** Called once, when the connection accepts no more frames; with an error if the peer caused it. */
  onClosed?(error: ConnectionError | undefined): void;
}
