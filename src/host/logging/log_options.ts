/** From the most lines to the fewest. */
export const logLevels = ["info", "warn", "error"] as const;

export type LogLevel = (typeof logLevels)[number];

/** "text" is lines for people, "json" a JSON object in each line; "auto" is text on a terminal and JSON elsewhere. */
export const logFormats = ["auto", "text", "json"] as const;

export type LogFormat = (typeof logFormats)[number];
