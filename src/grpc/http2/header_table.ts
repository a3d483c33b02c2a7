/** A header field; names are lowercase, values have one character for each byte (latin1). */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** The static table (RFC 7541, appendix A); its first field has index 1. */
// deno-fmt-ignore
const staticFields: readonly HeaderField[] = ([
  [":authority", ""], [":method", "GET"], [":method", "POST"], [":path", "/"], [":path", "/index.html"],
  [":scheme", "http"], [":scheme", "https"], [":status", "200"], [":status", "204"], [":status", "206"],
  [":status", "304"], [":status", "400"], [":status", "404"], [":status", "500"], ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"], ["accept-language", ""], ["accept-ranges", ""], ["accept", ""],
  ["access-control-allow-origin", ""], ["age", ""], ["allow", ""], ["authorization", ""], ["cache-control", ""],
  ["content-disposition", ""], ["content-encoding", ""], ["content-language", ""], ["content-length", ""],
  ["content-location", ""], ["content-range", ""], ["content-type", ""], ["cookie", ""], ["date", ""], ["etag", ""],
  ["expect", ""], ["expires", ""], ["from", ""], ["host", ""], ["if-match", ""], ["if-modified-since", ""],
  ["if-none-match", ""], ["if-range", ""], ["if-unmodified-since", ""], ["last-modified", ""], ["link", ""],
  ["location", ""], ["max-forwards", ""], ["proxy-authenticate", ""], ["proxy-authorization", ""], ["range", ""],
  ["referer", ""], ["refresh", ""], ["retry-after", ""], ["server", ""], ["set-cookie", ""],
  ["strict-transport-security", ""], ["transfer-encoding", ""], ["user-agent", ""], ["vary", ""], ["via", ""],
  ["www-authenticate", ""],
] as const).map(([name, value]) => ({ name, value }));

/** Octets of a field's size beyond its name and value (RFC 7541, section 4.1; RFC 9113, section 6.5.2). */
const fieldOverhead = 32;

/** Returns the size of a field in tables and lists, in octets. */
export function fieldSize({ name, value }: HeaderField): number {
  return name.length + value.length + fieldOverhead;
}

/** Returns the static index of the first field with this name and value, or with this name; 0 without one. */
export function staticIndex(name: string, value?: string): number {
  return staticFields.findIndex((field) => field.name === name && (value === undefined || field.value === value)) + 1;
}

/** The static table and a dynamic table behind it, in one range of indices (RFC 7541, section 2.3). */
export class HeaderTable {
  /** Newest last. */
  readonly #dynamic: HeaderField[] = [];
  #size = 0;
  #maxSize: number;

  /** Creates an empty table. @param maxSize largest size of the dynamic table, in octets by {@link fieldSize} */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Size of the dynamic table, in octets. */
  get size(): number {
    return this.#size;
  }

  /** Returns the field with this index, from 1 up; undefined for an index beyond both tables. */
  get(index: number): HeaderField | undefined {
    if (index <= staticFields.length) return staticFields[index - 1];
    return this.#dynamic[this.#dynamic.length - (index - staticFields.length)];
  }

  /** Inserts a field, and evicts the oldest ones; a field larger than the table empties it (RFC 7541, section 4.4). */
  insert(field: HeaderField): void {
    this.#dynamic.push(field);
    this.#size += fieldSize(field);
    this.#evict();
  }

  /** Changes the bound of the dynamic table (RFC 7541, section 4.3). */
  resize(maxSize: number): void {
    this.#maxSize = maxSize;
    this.#evict();
  }

  #evict(): void {
    let evicted = 0;
    while (this.#size > this.#maxSize) this.#size -= fieldSize(this.#dynamic[evicted++]);
    if (evicted > 0) this.#dynamic.splice(0, evicted);
  }
}
