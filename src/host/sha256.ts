import { hash } from "node:crypto";

/** Returns the SHA-256 of a short text in hexadecimal, without WebCrypto's use of another thread. */
export function sha256Hex(text: string): string {
  return hash("sha256", text, "hex");
}
