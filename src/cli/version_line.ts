import { longVersion } from "../host/version.ts";

export const versionOptions = ["-V", "--version"] as const;

/** The output of `--version`. */
export const versionLine = `chatd ${longVersion}`;
