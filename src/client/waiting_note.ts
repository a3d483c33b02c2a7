import type { ChatError } from "../core/chat_error.ts";

/** The text for people while a command waits for its server: "Waiting for 127.0.0.1:50051: connection refused". */
export function waitingNote(address: string, reason?: ChatError): string {
  if (reason === undefined) return `Waiting for ${address}: no answer yet.`;
  const { message } = reason;
  const end = message.indexOf(`${address}: `);
  // Such an error names the address too.
  const why = message.startsWith("Cannot reach ") && end > 0 ? message.slice(end + address.length + 2) : message;
  return `Waiting for ${address}: ${/[.!?]$/.test(why) ? why : `${why}.`}`;
}
