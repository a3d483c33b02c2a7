/** The program, whose writer thread dies after its first batch, once for each file that is named by `DYING_WRITER`. */
if (import.meta.main) {
  if ("WorkerGlobalScope" in globalThis) {
    const mark = Deno.env.get("DYING_WRITER")!;
    if (globalThis.name === "writer" && !isMarked(mark)) {
      // The thread counts a turn that it has finished by this function alone.
      Atomics.add = () => {
        Deno.writeTextFileSync(mark, "");
        throw new Error("no memory");
      };
    }
    await (await import("../../../src/app/background_jobs.ts")).serveBackgroundJob();
  } else Deno.exit(await (await import("../../../src/cli/run.ts")).run(Deno.args));
}

function isMarked(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
