import type { ConnectionError } from "./errors.ts";
import type { HeaderList } from "./header_rules.ts";
import type { Http2Stream } from "./stream.ts";

/** Events of a connection, for its owner. */
export interface ConnectionEvents {
  /** A request came: its owner sets `stream.events` before it returns. Of a server. */
  onRequest?(stream: Http2Stream, request: HeaderList): void;
  /** The connection takes no frames any more; with an error when the peer caused one. Once. */
  onClosed?(error: ConnectionError | undefined): void;
}
