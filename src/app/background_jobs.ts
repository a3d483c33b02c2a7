import { serveJob } from "../host/serve_job.ts";
import { writerJob } from "../store/sqlite/writer/writer_memory.ts";

/** Jobs that run in worker threads, each in a module that a literal `import()` loads. */
const jobs = {
  search: async () => (await import("../store/sqlite/search/search_job.ts")).openSearch,
};

export type JobName = keyof typeof jobs;
/** The type of a job, as its worker opens it. */
export type JobOf<Name extends JobName> = Awaited<ReturnType<typeof jobs[Name]>>;

/** Runs the job that this worker is named after until the worker is terminated. */
export async function serveBackgroundJob(): Promise<void> {
  // Blocks this thread between batches, unlike the others.
  if (globalThis.name === writerJob) (await import("../store/sqlite/writer/serve_writes.ts")).serveWrites();
  else await serveJob(jobs);
}
