/** Four octets of text, read as the length of a message, are at least this. */
const leastTextLength = 2 ** 24;

/** The reason of such a failure, for people. */
export const proxyPageReason = "a proxy answered that has no server behind it";

/**
 * Whether a call failed because a proxy answered with a page of HTML.
 * @param details of the status: grpc-js reads whatever comes as messages, and finds a page too long for one
 */
export function isProxyPage(details: string): boolean {
  const [, length] = /message larger than max \((\d+) vs/i.exec(details) ?? [];
  return Number(length) >= leastTextLength;
}
