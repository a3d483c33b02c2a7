import type { HeaderField } from "./header_table.ts";

/** Fields about a connection, which are malformed in HTTP/2 (RFC 9113, section 8.2.2). */
const connectionFields = new Set(["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"]);

/** A token in lowercase (RFC 9110, section 5.6.2; RFC 9113, section 8.2.1). */
const namePattern = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** A token (RFC 9110, section 9.1). */
const methodPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Control characters but tab, and space at the ends (RFC 9113, section 8.2.1; RFC 9110, section 5.5). */
// deno-lint-ignore no-control-regex -- finds them
const forbiddenInValue = /^[ \t]|[ \t]$|[\x00-\x08\x0a-\x1f\x7f]/;

const requestPseudoFields = new Set([":method", ":scheme", ":authority", ":path"]);
const responsePseudoFields = new Set([":status"]);

/** A header list; a name may occur several times. */
export interface HeaderList {
  /** Pseudo-header fields by their name, with the colon. */
  readonly pseudo: ReadonlyMap<string, string>;
  readonly fields: readonly HeaderField[];
}

/** Checks the fields of a request (RFC 9113, section 8.3.1). @returns undefined when they are malformed */
export function parseRequestFields(fields: readonly HeaderField[]): HeaderList | undefined {
  const list = parse(fields, requestPseudoFields);
  const method = list?.pseudo.get(":method") ?? "";
  if (list === undefined || !methodPattern.test(method)) return undefined;
  return (method === "CONNECT" ? hasConnectTarget(list) : hasTarget(list, method)) ? list : undefined;
}

/** RFC 9113, section 8.5. */
function hasConnectTarget({ pseudo }: HeaderList): boolean {
  return pseudo.has(":authority") && !pseudo.has(":scheme") && !pseudo.has(":path");
}

/** RFC 9113, section 8.3.1. */
function hasTarget({ pseudo }: HeaderList, method: string): boolean {
  const path = pseudo.get(":path") ?? "";
  return pseudo.has(":scheme") && (path.startsWith("/") || path === "*" && method === "OPTIONS");
}

/** Checks the fields of a response (RFC 9113, sections 8.3.2 and 8.6). @returns undefined when they are malformed */
export function parseResponseFields(fields: readonly HeaderField[]): HeaderList | undefined {
  const list = parse(fields, responsePseudoFields);
  const status = list?.pseudo.get(":status") ?? "";
  return /^[1-5][0-9]{2}$/.test(status) && status !== "101" ? list : undefined;
}

/**
 * Checks the fields of trailers, which have no pseudo-header fields (RFC 9113, section 8.1).
 * @returns undefined when they are malformed
 */
export function parseTrailers(fields: readonly HeaderField[]): HeaderList | undefined {
  return parse(fields, new Set());
}

/** Returns the values of a field, joined by commas (RFC 9110, section 5.3); undefined without the field. */
export function valueOf(list: HeaderList, name: string): string | undefined {
  const values = list.fields.filter((field) => field.name === name).map(({ value }) => value);
  return values.length === 0 ? undefined : values.join(",");
}

function parse(all: readonly HeaderField[], allowedPseudo: ReadonlySet<string>): HeaderList | undefined {
  const pseudo = new Map<string, string>();
  const fields: HeaderField[] = [];
  for (const field of all) {
    const { name, value } = field;
    if (forbiddenInValue.test(value)) return undefined;
    if (name.startsWith(":")) {
      if (fields.length > 0 || pseudo.has(name) || !allowedPseudo.has(name)) return undefined;
      pseudo.set(name, value);
      continue;
    }
    if (!namePattern.test(name) || connectionFields.has(name)) return undefined;
    if (name === "te" && value !== "trailers") return undefined;
    fields.push(field);
  }
  return { pseudo, fields };
}
