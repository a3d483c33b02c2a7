/**
 * How an entry names one of its readers, by name or by an audience: "new", or "kept" for an edit of a message that named
 * them before it.
 */
export type Naming = "new" | "kept";

/** The readers that an entry names. */
export interface NamedReaders {
  readonly users: ReadonlyMap<string, Naming>;
  /** How it names all other members of the room. */
  readonly others: Naming | undefined;
}

/** Returns how an entry of `sender` names a reader: themself, never. */
export function namingOf(
  { users, others }: NamedReaders,
  { reader, sender }: { reader: string; sender: string },
): Naming | undefined {
  return reader === sender ? undefined : users.get(reader) ?? others;
}
