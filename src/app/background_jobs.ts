import { serveJob } from "../host/serve_job.ts";

/** The work that is done off the event loop. Each job has a module of its own, loaded by a literal `import()`. */
const jobs = {
  search: async () => (await import("../store/sqlite/search/search_job.ts")).openSearch,
};

export type JobName = keyof typeof jobs;
/** The job of that name, as its worker opens it. */
export type JobOf<Name extends JobName> = Awaited<ReturnType<typeof jobs[Name]>>;

/** Does the job that this worker is named after, until the worker is terminated. */
export async function serveBackgroundJob(): Promise<void> {
  await serveJob(jobs);
}
