const crockford = "0123456789abcdefghjkmnpqrstvwxyz";

/** Creates 256 random bits in base64url, without padding. */
export function createToken(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Creates 128 random bits in hexadecimal. */
export function createDeviceId(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

/**
 * Creates a code of 100 random bits for people to type: "7k3qm-x0c9v-…" in Crockford's alphabet, which has no i, l, o
 * and u.
 */
export function createInviteCode(): string {
  const symbols = Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => crockford[byte & 31]);
  return [0, 5, 10, 15].map((start) => symbols.slice(start, start + 5).join("")).join("-");
}

/** Returns the SHA-256 in hexadecimal, which suffices for random secrets, unlike passwords. */
export async function hashSecret(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return new Uint8Array(digest).toHex();
}

/** Hashes an invitation code, ignoring case, spaces and hyphens. */
export function hashInviteCode(code: string): Promise<string> {
  return hashSecret(code.toLowerCase().replaceAll(/[\s-]/g, ""));
}
