/**
 * How many openings a store remembers. Openings without appended entries are forgotten first, then the oldest. A client
 * with a forgotten incarnation is treated like one of another log: it loses nothing, but may receive entries again.
 */
export const maxIncarnations = 4_096;
