import { fnv1a } from "./fnv1a.ts";

/** A longer address is not linked; terminals bound it to about 2,000 characters. */
const maxLength = 2_000;

/** Returns an address as a terminal may open it, all of it in ASCII; undefined for all but web addresses. */
export function linkTarget(address: string): string | undefined {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol) || url.href.length > maxLength) return undefined;
  return /^[!-~]+$/.test(url.href) ? url.href : undefined;
}

/**
 * Makes `text` a link (OSC 8, https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda). Its id joins the
 * rows that the text is broken into.
 */
export function hyperlink(text: string, target: string): string {
  return `\x1b]8;id=${fnv1a(target).toString(36)};${target}\x1b\\${text}\x1b]8;;\x1b\\`;
}
