import { readAccess } from "../../app/database/database_access.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { processOutput } from "../../host/process_output.ts";
import type { ListedNode } from "../../store/postgres/nodes/node_row.ts";
import { exitCode } from "../exit_code.ts";
import type { DatabaseFields } from "../options/database_options.ts";
import { jsonLine } from "../script/output.ts";

export interface NodeListOptions extends DatabaseFields {
  /** JSON lines instead of text. */
  readonly json: boolean;
}

/** Prints a line for each node. @returns the exit code. @throws {ChatError} */
export async function runNodeList({ database, json }: NodeListOptions): Promise<number> {
  const { listNodesOf } = await import("../../store/postgres/inspect_database.ts");
  for (const node of await listNodesOf(await readAccess(database))) {
    processOutput.stdout(json ? asJson(node) : asText(node));
  }
  return exitCode.done;
}

function asJson({ since, silentMs, ...node }: ListedNode): string {
  return jsonLine({ ...node, since: since.toISOString(), silentSeconds: Math.round(silentMs / 1_000) });
}

function asText({ name, state, version, host, since, silentMs }: ListedNode): string {
  const columns = [name, state, version, host, since.toISOString(), String(Math.round(silentMs / 1_000))];
  return columns.map((column) => sanitizeLine(column) || "-").join("\t");
}
