import type { ChatError } from "../core/chat_error.ts";

/** The text for people while a command waits for its server: "Waiting for 127.0.0.1:50051: connection refused". */
export function waitingNote(address: string, reason?: ChatError): string {
  if (reason === undefined) return `Waiting for ${address}: no answer yet.`;
  // Errors of a connection name the address too.
  const [, detail] = reason.message.split(`${address}: `);
  const why = detail ?? reason.message;
  return `Waiting for ${address}: ${/[.!?]$/.test(why) ? why : `${why}.`}`;
}
