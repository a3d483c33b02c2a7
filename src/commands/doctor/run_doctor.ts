import type { BrokerUrl } from "../../app/broker/broker_url.ts";
import { exitCode } from "../exit_code.ts";
import { jsonLine } from "../script/output.ts";
import { type BrokerCheckOptions, examineBroker } from "./broker.ts";
import { examineConfiguration } from "./configuration.ts";
import { examineDatabase, examineFolder, type FolderCheckOptions } from "./data_folder.ts";
import { examinePostgres } from "./database.ts";
import { type Check, formatFinding } from "./finding.ts";
import { examineDisk, examineFileLimit, type MachineOptions } from "./machine.ts";
import { examineCertificate, examineServer, type ServerCheckOptions } from "./server.ts";

/** Options of `chatd doctor`. */
export interface DoctorOptions extends FolderCheckOptions, MachineOptions, ServerCheckOptions {
  readonly configFile?: string;
  /** Undefined skips the checks of the broker. */
  readonly broker: BrokerUrl | undefined;
  readonly brokerCheck: Omit<BrokerCheckOptions, "broker">;
  /** Prints one JSON object per finding. */
  readonly json: boolean;
}

/** All checks, in order: later ones rely on earlier ones. */
function checks({ broker, brokerCheck, ...options }: DoctorOptions): readonly Check[] {
  const { database } = options;
  const own: readonly Check[] = [
    { area: "configuration", examine: () => examineConfiguration(options) },
    { area: "data folder", examine: () => examineFolder(options) },
    {
      area: "database",
      examine: () => database === undefined ? examineDatabase(options) : examinePostgres({ ...options, database }),
    },
    { area: "disk", examine: () => examineDisk(options) },
    { area: "files", examine: () => examineFileLimit(options) },
    { area: "certificate", examine: () => examineCertificate({ ...options, broker }) },
    { area: "server", examine: () => examineServer({ ...options, broker }) },
  ];
  if (broker === undefined) return own;
  return [...own, { area: "broker", examine: () => examineBroker({ ...brokerCheck, broker }) }];
}

/**
 * Checks the setup step by step, and suggests fixes.
 * @returns 0 if there is no problem.
 * @throws {ChatError} if the broker cannot be reached
 */
export async function runDoctor(options: DoctorOptions): Promise<number> {
  let problems = 0;
  for (const { area, examine } of checks(options)) {
    for await (const finding of examine()) {
      if (finding.kind === "problem") problems++;
      console.log(options.json ? jsonLine({ area, ...finding }) : formatFinding(area, finding));
    }
  }
  if (!options.json) {
    console.log(problems === 0 ? "Nothing to fix." : `${problems} ${problems === 1 ? "problem" : "problems"} to fix.`);
  }
  return problems === 0 ? exitCode.done : exitCode.failed;
}
