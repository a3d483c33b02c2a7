import { RecentMap } from "../core/recent_map.ts";
import { directReplies } from "./topology.ts";

/** Longest address, in characters. */
const maxLength = 256;
/**
 * First byte of a term, and the size of the creation at the end of a process id, after two numbers of 4 bytes (PID_EXT,
 * NEW_PID_EXT).
 */
const externalTerm = 131;
const creationBytesByTag = new Map([[103, 1], [88, 4]]);

/** Addresses that are not parsed again: every message of a session has the same. */
const maxKnown = 2_048;

/** The part that all direct-reply addresses of one broker share. */
export type DirectAddressForm = string;

interface DirectAddress {
  readonly form: DirectAddressForm | undefined;
  readonly process: string;
  readonly numbers: readonly number[];
}

const known = new RecentMap<string, DirectAddress>(maxKnown);

/**
 * Returns the part of a direct-reply address without the numbers that identify a process; undefined for any other
 * address. Such an address is the id of an Erlang process, in external term format, and a key.
 */
export function formOf(replyTo: string): DirectAddressForm | undefined {
  return parse(replyTo).form;
}

/**
 * Returns the process that a direct-reply address belongs to, as in the broker's "<node.1795448032.912.0>" without the
 * node.
 */
export function processOf(replyTo: string): string {
  return parse(replyTo).process;
}

/** Returns the two numbers in a direct-reply address that identify a process of a node. */
export function numbersOfAddress(replyTo: string): readonly number[] {
  return parse(replyTo).numbers;
}

function parse(replyTo: string): DirectAddress {
  const before = known.peek(replyTo);
  if (before !== undefined) return before;
  const numbers = parseNumbers(replyTo);
  const address = {
    form: parseForm(replyTo),
    process: numbers?.join(".") ?? replyTo,
    numbers: numbers?.slice(1) ?? [Infinity, Infinity],
  };
  known.set(replyTo, address);
  return address;
}

function parseForm(replyTo: string): DirectAddressForm | undefined {
  if (!replyTo.startsWith(`${directReplies}.`) || replyTo.length > maxLength) return undefined;
  const [name, key, ...more] = replyTo.slice(directReplies.length + 1).split(".");
  if (more.length > 0 || !/^[A-Za-z0-9+/=_-]{1,64}$/.test(key ?? "")) return undefined;
  const term = Buffer.from(name, "base64");
  if (term.toString("base64") !== name || term[0] !== externalTerm) return undefined;
  const creationBytes = creationBytesByTag.get(term[1]);
  if (creationBytes === undefined || term.length < 2 + 8 + creationBytes) return undefined;
  const end = term.length - creationBytes;
  return Buffer.concat([term.subarray(0, end - 8), term.subarray(end)]).toString("hex");
}

/** Returns the number of a node's start, and the two numbers of its process. */
function parseNumbers(replyTo: string): number[] | undefined {
  const [name] = replyTo.slice(directReplies.length + 1).split(".");
  const term = Buffer.from(name, "base64");
  const creationBytes = creationBytesByTag.get(term[1]) ?? 0;
  const end = term.length - creationBytes;
  if (creationBytes === 0 || end < 8) return undefined;
  return [term.readUIntBE(end, creationBytes), term.readUInt32BE(end - 8), term.readUInt32BE(end - 4)];
}
