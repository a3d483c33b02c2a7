/** From everything to nothing but failures. */
export const logLevels = ["info", "warn", "error"] as const;

export type LogLevel = (typeof logLevels)[number];
