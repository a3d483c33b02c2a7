import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { type CommandEntry, defineCommand } from "../command.ts";
import { dataFolder } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { pastTime, userName } from "../options/value_parsers.ts";
import type { AuditOptions } from "./run_audit.ts";

export const auditCommand: CommandEntry = defineCommand({
  name: "audit",
  brief: "List what happened to accounts and rooms",
  description:
    "Lists logins, failed ones too, and what was done to accounts, devices and rooms, oldest first: the time, " +
    "who (- for a stranger), what, to whom, from where and more, separated by tabs. Works through the server when it " +
    "runs, and directly when not. The newest 100,000 notes are kept.",
  options: auditOptions,
  load: async () => (await import("./run_audit.ts")).runAudit,
  readsConfig: true,
});

function auditOptions(options: OptionsWithEnv): Parser<"sync", AuditOptions, unknown> {
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
