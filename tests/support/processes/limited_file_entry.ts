/** The program, in which a write that makes a file longer than the limit of the process fails instead of ending it. */
if (import.meta.main) {
  if ("WorkerGlobalScope" in globalThis) {
    await (await import("../../../src/app/background_jobs.ts")).serveBackgroundJob();
  } else {
    Deno.addSignalListener("SIGXFSZ", () => {});
    Deno.exit(await (await import("../../../src/cli/run.ts")).run(Deno.args));
  }
}
