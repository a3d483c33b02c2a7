import { text } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { flag } from "@optique/core/primitives";

/**
 * The option that confirms an irreversible command. It has no environment variable, because it concerns a single run.
 */
export function sureOption(): Parser<"sync", boolean, unknown> {
  return withDefault(flag("--yes", { description: [text("Confirm: the command cannot be undone")] }), false);
}
