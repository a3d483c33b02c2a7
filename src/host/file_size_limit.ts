/**
 * Makes a write beyond the limit of `ulimit -f` an error (EFBIG) instead of the end of this process, which is what the
 * system does unless a process takes SIGXFSZ.
 */
export function takeFileSizeSignal(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGXFSZ", () => {});
}
