/** Error codes of HTTP/2 (RFC 9113, section 7). */
export const ErrorCode = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

export type ErrorCode = typeof ErrorCode[keyof typeof ErrorCode];

/** Ends the whole connection with a GOAWAY frame (RFC 9113, section 5.4.1). */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  constructor(readonly code: ErrorCode, message: string) {
    super(message);
  }
}

/** Ends one stream with a RST_STREAM frame (RFC 9113, section 5.4.2). */
export class StreamError extends Error {
  override readonly name = "StreamError";
  constructor(readonly streamId: number, readonly code: ErrorCode, message: string) {
    super(message);
  }
}
