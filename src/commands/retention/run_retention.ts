import { Operator } from "../../app/operator.ts";
import { processOutput } from "../../host/process_output.ts";
import { exitCode } from "../exit_code.ts";
import type { StoreOptions } from "../options/data_folder.ts";

export interface RetentionOptions extends StoreOptions {
  /** "all", "ana:ben", "#ops" or "+id". */
  readonly conversation: string;
}

export interface RetentionSetOptions extends RetentionOptions {
  readonly maxAgeMs?: number;
  readonly maxEntries?: number;
}

const dayMs = 24 * 60 * 60 * 1000;

export async function listRules({ place }: StoreOptions): Promise<number> {
  for (const { conversation, maxAgeMs, maxEntries } of await new Operator(place).listRules()) {
    processOutput.stdout(`${conversation ?? "all"}\t${describe({ maxAgeMs, maxEntries })}`);
  }
  return exitCode.done;
}

export async function setRule({ conversation, place, maxAgeMs, maxEntries }: RetentionSetOptions): Promise<number> {
  await new Operator(place).setRule(addressOf(conversation), { maxAgeMs, maxEntries });
  processOutput.stdout(`Set the rule for ${nameOf(conversation)}: ${describe({ maxAgeMs, maxEntries })}.`);
  return exitCode.done;
}

export async function unsetRule({ conversation, place }: RetentionOptions): Promise<number> {
  await new Operator(place).removeRule(addressOf(conversation));
  processOutput.stdout(`Removed the rule for ${nameOf(conversation)}.`);
  return exitCode.done;
}

function addressOf(conversation: string): string | undefined {
  return conversation === "all" ? undefined : conversation;
}

function nameOf(conversation: string): string {
  return conversation === "all" ? "conversations without a rule of their own" : conversation;
}

function describe({ maxAgeMs, maxEntries }: { maxAgeMs: number | undefined; maxEntries: number | undefined }): string {
  const limits = [
    ...(maxAgeMs === undefined ? [] : [`entries of the last ${formatAge(maxAgeMs)}`]),
    ...(maxEntries === undefined ? [] : [`the newest ${maxEntries} entries`]),
  ];
  return limits.length === 0 ? "everything" : limits.join(", at most ");
}

function formatAge(ms: number): string {
  if (ms % dayMs === 0) return `${ms / dayMs}d`;
  return ms % (60 * 60 * 1000) === 0 ? `${ms / (60 * 60 * 1000)}h` : `${ms / 1000}s`;
}
