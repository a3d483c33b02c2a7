import { longVersion } from "../host/version.ts";

export const versionOptions = ["-V", "--version"] as const;

/** What `--version` prints. */
export const versionLine = `chatd ${longVersion}`;
