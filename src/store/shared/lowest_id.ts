/** Returns the bytes of an id that is lower than all ids of this time or later, in milliseconds since the Unix epoch. */
export function lowestIdAt(time: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(Math.max(0, time) / 0x10000));
  view.setUint16(4, Math.max(0, time) % 0x10000);
  return bytes;
}
