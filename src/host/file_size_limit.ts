/**
 * Makes a write beyond the limit of `ulimit -f` an error (EFBIG). Without this listener for SIGXFSZ, the system ends the
 * process.
 */
export function takeFileSizeSignal(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGXFSZ", () => {});
}
