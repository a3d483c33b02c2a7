import { isRoomId } from "./room.ts";

/** A room by its name and the beginning of its id: "#boss+k3v". Rooms of one name have different ones. */
export interface ShortAddress {
  readonly name: string;
  /** "+k3v". */
  readonly idStart: string;
}

/** Characters of an id in a short address at least; with two, two of 40 rooms of one name would often share them. */
const minLength = 3;
const pattern = /^#([a-z0-9][a-z0-9._-]{0,31})(\+[a-z2-7]{3,26})$/;

/** Parses "#boss+k3v"; undefined for other text. */
export function parseShortAddress(text: string): ShortAddress | undefined {
  const [, name, idStart] = pattern.exec(text) ?? [];
  return name === undefined ? undefined : { name, idStart };
}

/** Returns whether a short address may mean a room. */
export function isShortAddressOf(
  { name, idStart }: ShortAddress,
  room: { readonly id: string; readonly name: string },
): boolean {
  return room.name === name && room.id.startsWith(idStart);
}

/** Returns the shortest short address of a room that means none of `others`. */
export function shortAddress(
  { id, name }: { readonly id: string; readonly name: string },
  others: Iterable<{ readonly id: string; readonly name: string }> = [],
): string {
  let length = 1 + minLength;
  for (const other of others) {
    if (other.name !== name || other.id === id || !isRoomId(other.id)) continue;
    while (length < id.length && other.id.startsWith(id.slice(0, length))) length++;
  }
  return `#${name}${id.slice(0, length)}`;
}
