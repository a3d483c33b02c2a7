import { serveBackgroundJob } from "../../../src/app/background_jobs.ts";

await serveBackgroundJob();
