/** Length of an id in canonical text, which is ASCII (RFC 9562, section 4). */
export const messageIdLength = 36;
const hyphen = 0x2d;

const digits = new TextEncoder().encode("0123456789abcdef");
/** The value of each hexadecimal digit in lower case, by its code; -1 for other codes. */
const digitValues = new Int8Array(256).fill(-1);
digits.forEach((code, value) => digitValues[code] = value);

/** Returns the canonical text of the 16 bytes of an id. */
export function idOfBytes(bytes: Uint8Array): string {
  return idOfHex(bytes.toHex());
}

/** Returns the canonical text of an id of 32 hexadecimal digits. */
export function idOfHex(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Writes the canonical text of the 16 bytes of an id at `at`. */
export function putIdText(into: Uint8Array, at: number, id: Uint8Array): void {
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) into[at++] = hyphen;
    const byte = id[index];
    into[at++] = digits[byte >> 4];
    into[at++] = digits[byte & 15];
  }
}

/** Writes the 16 bytes of an id at `at`, from its canonical text in lower case at `from`. */
export function putIdBytes(into: Uint8Array, at: number, text: Uint8Array, from: number): void {
  for (let index = 0; index < 16; index++) {
    if (text[from] === hyphen) from += 1;
    into[at + index] = digitValues[text[from]] << 4 | digitValues[text[from + 1]];
    from += 2;
  }
}

/**
 * Reads the time of an id in canonical text and lower case, of {@link messageIdLength} bytes at `at`.
 * @returns milliseconds since the Unix epoch; -1 for other bytes, which may be an id in upper case
 */
export function readMessageIdTime(bytes: Uint8Array, at: number): number {
  for (let index = 8; index <= 23; index += 5) if (bytes[at + index] !== hyphen) return -1;
  const high = readDigits(bytes, at, 4);
  const middle = readDigits(bytes, at + 4, 4);
  const low = readDigits(bytes, at + 9, 4);
  const version = readDigits(bytes, at + 14, 4);
  const variant = readDigits(bytes, at + 19, 4);
  const random = readDigits(bytes, at + 24, 6) | readDigits(bytes, at + 30, 6);
  if ((high | middle | low | version | variant | random) < 0) return -1;
  // "7", and "8", "9", "a" or "b" (RFC 9562, sections 4.1 and 4.2).
  return version >> 12 === 7 && variant >> 14 === 2 ? high * 0x1_0000_0000 + middle * 0x1_0000 + low : -1;
}

/** Reads up to 7 hexadecimal digits in lower case. @returns -1 for other bytes */
function readDigits(bytes: Uint8Array, at: number, count: number): number {
  let read = 0;
  let all = 0;
  for (const end = at + count; at < end; at++) {
    const value = digitValues[bytes[at]];
    all |= value;
    read = read << 4 | value;
  }
  return all < 0 ? -1 : read;
}
