import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { type CommandEntry, defineCommand } from "../command.ts";
import { storePlace } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { pastTime, userName } from "../options/value_parsers.ts";
import type { AuditOptions } from "./run_audit.ts";

export const auditCommand: CommandEntry = defineCommand({
  name: "audit",
  brief: "List audit events of accounts and rooms",
  description:
    "Lists audit events, oldest first: logins, failed logins, and changes of accounts, devices and rooms. Each line has " +
    "the time with its offset from UTC, actor (- for a stranger), action, subject, address and details, separated by tabs. Asks the running " +
    "server, or reads the data folder if none runs. The newest 100,000 events are kept.",
  options: auditOptions,
  load: async () => (await import("./run_audit.ts")).runAudit,
  readsConfig: true,
});

function auditOptions(options: OptionsWithEnv): Parser<"sync", AuditOptions, unknown> {
  return object("Options", {
    since: options.withDefault("--since", pastTime(), {
      standard: "30d",
      description: "Start of the list: 12h or 30d ago, or a local time: 2026-11-23 or 2026-11-23T12:00",
    }),
    // Has no environment variable, because CHATD_USER names the user of the chat client.
    user: optional(
      option("--user", userName(), { description: [text("List only events with this user as actor or subject")] }),
    ),
    json: options.once("--json", "Print one JSON object per line"),
    place: storePlace(options),
  });
}
