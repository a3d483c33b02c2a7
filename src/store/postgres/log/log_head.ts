/** SQL: the newest position of the log, whose entry may have been removed. */
export const logHead =
  "greatest((SELECT l.kept_position FROM log l), (SELECT e.position FROM entry e ORDER BY e.position DESC LIMIT 1))";
