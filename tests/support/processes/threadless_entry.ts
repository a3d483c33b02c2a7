/** The program, whose threads cannot start. */
if (import.meta.main) {
  if ("WorkerGlobalScope" in globalThis) throw new Error("too many open files");
  else Deno.exit(await (await import("../../../src/cli/run.ts")).run(Deno.args));
}
