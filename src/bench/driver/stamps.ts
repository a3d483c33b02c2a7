/** The length of the text of all messages of a bench, in bytes. */
export const textBytes = 100;
/** Decimal digits of a stamp. */
const stampDigits = 13;
const zero = 0x30;

/** Returns the time now in whole microseconds, for a stamp. */
export function stampNow(): number {
  return Math.round(performance.now() * 1000);
}

/** Writes a stamp at the beginning of a text. */
export function putStamp(bytes: Uint8Array, at: number, stamp: number): void {
  for (let digit = at + stampDigits - 1; digit >= at; digit--) {
    const rest = Math.floor(stamp / 10);
    bytes[digit] = zero + stamp - 10 * rest;
    stamp = rest;
  }
}

/** Reads the stamp at the beginning of a text. */
export function readStamp(bytes: Uint8Array, at: number): number {
  let stamp = 0;
  for (let digit = 0; digit < stampDigits; digit++) stamp = 10 * stamp + bytes[at + digit] - zero;
  return stamp;
}

/** Returns a text with a stamp, for clients that send strings. */
export function stampedText(stamp: number): string {
  return String(stamp).padStart(stampDigits, "0") + "x".repeat(textBytes - stampDigits);
}

/** Reads the stamp of a text. */
export function stampOf(text: string): number {
  return Number(text.slice(0, stampDigits));
}

/** Returns the bytes of a text whose stamp is still to be written. */
export function unstampedBytes(): Uint8Array {
  return new TextEncoder().encode(stampedText(0));
}
