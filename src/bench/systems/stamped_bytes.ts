const bodyBytes = 100;

/** What is sent where a message is nothing but bytes: as long as a chat message, it begins with the time. */
export function stampedBytes(): Uint8Array {
  const bytes = new Uint8Array(bodyBytes);
  new DataView(bytes.buffer).setFloat64(0, performance.now());
  return bytes;
}

/** How old they are, in milliseconds. */
export function ageOf(bytes: Uint8Array): number {
  return performance.now() - new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
}
