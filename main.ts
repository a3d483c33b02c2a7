if (import.meta.main) {
  // Workers start from this file, too: a bundled or compiled program has no other file.
  if ("WorkerGlobalScope" in globalThis) await (await import("./src/app/background_jobs.ts")).serveBackgroundJob();
  else Deno.exit(await (await import("./src/cli/run.ts")).run(Deno.args));
}
