/** Octets that are encoded when they leave, directly into the memory of the write. */
export interface Octets {
  readonly length: number;
  /** Writes the octets into `target`, from the index `at` on. */
  copyTo(target: Uint8Array, at: number): void;
}

/** Octets in memory, or octets that are encoded later. */
export type Data = Uint8Array | Octets;

/** Writes octets into `target`, from the index `at` on. */
export function putData(data: Data, target: Uint8Array, at: number): void {
  if (data instanceof Uint8Array) target.set(data, at);
  else data.copyTo(target, at);
}

/** Returns octets in memory; encodes them if they are not. */
export function toBytes(data: Data): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const bytes = new Uint8Array(data.length);
  data.copyTo(bytes, 0);
  return bytes;
}
