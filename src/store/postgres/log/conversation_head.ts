/**
 * SQL: the head of a conversation, whose key is SQL, too. It is that of the newest entry, or the one that retention
 * kept. Scalar subselects find the entry by its index with any statistics.
 */
export function headOf(conversation: string): { seq: string; position: string; uncounted: string } {
  const column = (name: "seq" | "position" | "uncounted") =>
    `coalesce((SELECT newest.${name} FROM entry newest WHERE newest.conversation = ${conversation} ORDER BY newest.seq DESC LIMIT 1),
      (SELECT kept.kept_${name} FROM conversation kept WHERE kept.id = ${conversation} LIMIT 1))`;
  return { seq: column("seq"), position: column("position"), uncounted: column("uncounted") };
}
