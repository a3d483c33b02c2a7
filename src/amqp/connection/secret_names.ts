/**
 * Removes the names of queues and direct-reply addresses from a text of the broker. With the name of a session's queue,
 * anyone can query the broker about it; with an address, anyone can write to it.
 */
export function withoutSecretNames(text: string): string {
  return text.replaceAll(/\bqueue '[^']*'/g, "queue")
    .replaceAll(/\bamq\.rabbitmq\.reply-to\.[^\s'"]+/g, "amq.rabbitmq.reply-to")
    .replaceAll(/\bchatd\.session\.[^\s'"]+/g, "chatd.session");
}

/** Copies an error {@link withoutSecretNames}, as the cause of one that is shown or logged. */
export function causeWithoutSecretNames(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return typeof thrown === "string" ? withoutSecretNames(thrown) : thrown;
  const cause = new Error(withoutSecretNames(thrown.message));
  cause.name = thrown.name;
  cause.stack = thrown.stack === undefined ? undefined : withoutSecretNames(thrown.stack);
  if ("code" in thrown) Object.assign(cause, { code: thrown.code });
  return cause;
}
