/** Ends a serving process after an error that no code caught: its supervisor starts another (EX_SOFTWARE of sysexits(3)). */
export const crashedExitCode = 70;

/**
 * Ends a serving process that was refused what it needs to serve, and would be refused again: its supervisor ends too
 * (EX_CONFIG of sysexits(3)).
 */
export const refusedExitCode = 78;
