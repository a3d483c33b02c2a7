if (import.meta.main) {
  // A worker is made from this file too: of a program that was bundled or compiled, there is no other.
  if ("WorkerGlobalScope" in globalThis) await (await import("./src/app/background_jobs.ts")).serveBackgroundJob();
  else Deno.exit(await (await import("./src/cli/run.ts")).run(Deno.args));
}
