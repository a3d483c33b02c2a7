/**
 * Takes the names of queues and of addresses for direct replies out of the broker's words: who knows the name of a session's
 * queue can ask the broker about it, and who knows an address can write there.
 */
export function withoutSecretNames(text: string): string {
  return text.replaceAll(/\bqueue '[^']*'/g, "queue")
    .replaceAll(/\bamq\.rabbitmq\.reply-to\.[^\s'"]+/g, "amq.rabbitmq.reply-to")
    .replaceAll(/\bchatd\.session\.[^\s'"]+/g, "chatd.session");
}

/** The same error in {@link withoutSecretNames}, to be the cause of one that is shown or logged. */
export function causeWithoutSecretNames(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return typeof thrown === "string" ? withoutSecretNames(thrown) : thrown;
  const cause = new Error(withoutSecretNames(thrown.message));
  cause.name = thrown.name;
  cause.stack = thrown.stack === undefined ? undefined : withoutSecretNames(thrown.stack);
  if ("code" in thrown) Object.assign(cause, { code: thrown.code });
  return cause;
}
