import { Operator } from "../../app/operator.ts";
import { ChatError } from "../../core/chat_error.ts";
import { requireDataFolder } from "../../host/permissions.ts";
import { version } from "../../host/version.ts";
import { makeBackup } from "../../store/backup/backup.ts";
import type { BackupManifest } from "../../store/backup/backup_manifest.ts";
import { restoreBackup } from "../../store/backup/restore.ts";
import { exitCode } from "../exit_code.ts";

/** Options of `chatd backup`. */
export interface BackupCommandOptions {
  /** The folder to create. */
  readonly target: string;
  readonly dataDir: string;
}

/** Options of `chatd restore`. */
export interface RestoreCommandOptions {
  /** The folder of the backup. */
  readonly source: string;
  /** The data folder to create. */
  readonly dataDir: string;
  readonly logOut: boolean;
}

/** Backs up a data folder, with or without a server running on it. @returns the exit code. @throws {ChatError} */
export async function runBackup({ target, dataDir }: BackupCommandOptions): Promise<number> {
  requireDataFolder(dataDir);
  const manifest = await makeBackup({ folder: dataDir, to: target, chatd: version });
  console.log(`Backed up ${dataDir} to ${target}: ${describeContents(manifest)}.`);
  await recordBackup(dataDir, target);
  for (const path of manifest.missing) {
    console.error(`chatd: "${dataDir}/${path}" is missing or damaged, and therefore not in the backup.`);
  }
  return manifest.missing.length === 0 ? exitCode.done : exitCode.failed;
}

/** Creates a data folder from a backup. @returns the exit code. @throws {ChatError} */
export function runRestore({ source, dataDir, logOut }: RestoreCommandOptions): Promise<number> {
  requireDataFolder(dataDir);
  const { manifest, users, conversations, entries, devices } = restoreBackup({ from: source, folder: dataDir, logOut });
  const age = `made at ${manifest.created} by chatd ${manifest.chatd}`;
  console.log(`Restored ${source} (${age}) to ${dataDir}: ${describeContents(manifest)}.`);
  console.log(
    `It has ${users} users, ${conversations} conversations and ${entries} entries; ${
      devices === 0 ? "no device is logged in" : `${devices} devices are logged in, as they were in the backup`
    }.`,
  );
  if (manifest.missing.length > 0) {
    console.log(`${manifest.missing.length} files were already missing when the backup was made.`);
  }
  console.log("The log has a new epoch: the server tells clients that reconnect about the restore.");
  return Promise.resolve(exitCode.done);
}

/** Records the backup in the audit log. A failure is only reported, because the backup itself is complete. */
async function recordBackup(dataDir: string, target: string): Promise<void> {
  try {
    await new Operator({ dataDir }).noteBackup(target);
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    console.error(`chatd: The server did not record this backup in its audit log. ${error.message}`);
  }
}

function describeContents({ head, files }: BackupManifest): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `the log up to position ${head} and ${files.length - 1} files, ${formatBytes(bytes)} in all`;
}

function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
