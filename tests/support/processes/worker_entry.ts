/** What workers are made from: a test is itself the entry of its process, and the whole program takes long to be checked for types. */
export const workerEntry = new URL("./job_worker.ts", import.meta.url).href;
