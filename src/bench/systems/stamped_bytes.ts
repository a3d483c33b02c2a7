const bodyBytes = 100;

/** Returns the bytes of a bare message: as long as a chat message, with the time first. */
export function stampedBytes(): Uint8Array {
  const bytes = new Uint8Array(bodyBytes);
  new DataView(bytes.buffer).setFloat64(0, performance.now());
  return bytes;
}

/** Returns the age of stamped bytes, in milliseconds. */
export function ageOf(bytes: Uint8Array): number {
  return performance.now() - new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
}
