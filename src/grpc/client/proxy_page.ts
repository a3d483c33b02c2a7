/** Smallest length that four octets of text can encode. */
const leastTextLength = 2 ** 24;

/** The reason for such a failure, for people. */
export const proxyPageReason = "a proxy answered without a server behind it";

/**
 * Returns whether a call failed because a proxy answered with an HTML page.
 * @param details of the status: grpc-js parses the page as messages, and finds one that is too long
 */
export function isProxyPage(details: string): boolean {
  const [, length] = /message larger than max \((\d+) vs/i.exec(details) ?? [];
  return Number(length) >= leastTextLength;
}
