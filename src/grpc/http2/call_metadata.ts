import { Buffer } from "node:buffer";
import { type HeaderList, valueOf } from "./header_rules.ts";

/** Units of `grpc-timeout`, in milliseconds. */
const timeoutUnits: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Parses the value of `grpc-timeout`. @returns milliseconds; undefined when it is malformed. */
export function parseTimeout(value: string): number | undefined {
  const [, digits, unit] = /^([0-9]{1,8})([HMSmun])$/.exec(value) ?? [];
  return digits === undefined ? undefined : Number(digits) * timeoutUnits[unit];
}

/**
 * Returns the octets of a field whose name ends with `-bin`: base64, with or without padding; undefined when it is
 * missing or malformed.
 */
export function binaryValueOf(list: HeaderList, name: string): Uint8Array | undefined {
  const value = valueOf(list, name);
  if (value === undefined || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return undefined;
  return Buffer.from(value, "base64");
}

/**
 * Encodes a status message: UTF-8 with all but printable ASCII percent-encoded (gRPC over HTTP/2, "Status-Message").
 * @param maxLength largest result, in octets: a longer message is cut after the last character that fits
 */
export function encodeStatusMessage(message: string, maxLength: number): string {
  let encoded = "";
  for (const character of message) {
    const next = /^[ -$&-~]$/.test(character) ? character : percentEncode(character);
    if (encoded.length + next.length > maxLength) break;
    encoded += next;
  }
  return encoded;
}

function percentEncode(character: string): string {
  return [...Buffer.from(character, "utf8")]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** Decodes a status message; malformed octets are kept unchanged. */
export function decodeStatusMessage(encoded: string): string {
  const bytes = encoded.replace(/%([0-9A-Fa-f]{2})/g, (_match, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
