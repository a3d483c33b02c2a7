import { Operator } from "../../app/operator.ts";
import type { AuditEntry } from "../../core/audit/audit.ts";
import { processOutput } from "../../host/process_output.ts";
import { timestamp } from "../../terminal/text/local_clock.ts";
import { exitCode } from "../exit_code.ts";
import type { StoreOptions } from "../options/data_folder.ts";

/** Options of `chatd audit`. */
export interface AuditOptions extends StoreOptions {
  /** In milliseconds since the Unix epoch. */
  readonly since: number;
  readonly user?: string;
  /** JSON lines instead of text. */
  readonly json: boolean;
}

/** Prints one line per audit entry, oldest first. */
export async function runAudit({ place, since, user, json }: AuditOptions): Promise<number> {
  for await (const entry of new Operator(place).listAudit({ since, user })) {
    processOutput.stdout(json ? asJson(entry) : asText(entry));
  }
  return exitCode.done;
}

function asJson({ id: _id, at, ...entry }: AuditEntry): string {
  return JSON.stringify({ at: new Date(at).toISOString(), ...entry });
}

/** Formats the time of this machine, actor, action, subject, address and details, separated by tabs; "-" stands for an empty field. */
function asText({ at, actor, action, subject, address, detail, count }: AuditEntry): string {
  const often = count === 1 ? "" : `${count} times`;
  const rest = [detail, often].filter((words) => words !== "").join(", ");
  return [timestamp(at), actor, action, subject, address, rest].map((field) => field || "-").join("\t");
}
