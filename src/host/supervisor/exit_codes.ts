/**
 * The exit code of a serving process after an uncaught error: its supervisor starts another (EX_SOFTWARE of
 * sysexits(3)).
 */
export const crashedExitCode = 70;

/**
 * The exit code of a serving process that lacks something it needs to serve, and would lack it again: its supervisor
 * ends too (EX_CONFIG of sysexits(3)).
 */
export const refusedExitCode = 78;
