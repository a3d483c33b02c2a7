import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { pastTime, userName } from "../options/value_parsers.ts";
import { dataFolder } from "../options/data_folder.ts";

/** What `chatd audit` is asked to do. */
export interface AuditOptions {
  readonly dataDir: string;
  /** In milliseconds since the Unix epoch. */
  readonly since: number;
  readonly user?: string;
  /** JSON lines instead of text. */
  readonly json: boolean;
}

export function auditOptions(options: OptionsWithEnv): Parser<"sync", AuditOptions, unknown> {
  return object("Options", {
    since: options.withDefault("--since", pastTime(), {
      standard: "30d",
      description: "From when on: 12h or 30d ago, or 2026-11-23 or 2026-11-23T12:00Z",
    }),
    // Without a variable: CHATD_USER says who chats.
    user: optional(
      option("--user", userName(), { description: [text("Only what this user did, or had done to them")] }),
    ),
    json: options.once("--json", "A JSON object for each line"),
    dataDir: dataFolder(options),
  });
}
