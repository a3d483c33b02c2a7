/** From everything to nothing but failures. */
export const logLevels = ["info", "warn", "error"] as const;

export type LogLevel = (typeof logLevels)[number];

/** Lines for people, an object of JSON in each line, or "auto": the former on a terminal, the latter elsewhere. */
export const logFormats = ["auto", "text", "json"] as const;

export type LogFormat = (typeof logFormats)[number];
