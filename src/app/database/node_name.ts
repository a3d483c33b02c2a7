import { ChatError } from "../../core/chat_error.ts";
import type { NodeOptions } from "./database_access.ts";

/** Returns the name of this node. @throws {ChatError} `permission_denied` if it is the host's, which Deno denies */
export function nodeName({ node }: NodeOptions): string {
  if (node !== undefined) return node;
  try {
    return Deno.hostname();
  } catch (cause) {
    throw new ChatError(
      "permission_denied",
      "Deno does not let chatd read the name of this host: give --node NAME, or add --allow-sys=hostname to deno run.",
      { cause },
    );
  }
}

/** Returns the name of this host; "" if Deno denies it. */
export function hostName(): string {
  try {
    return Deno.hostname();
  } catch {
    return "";
  }
}
