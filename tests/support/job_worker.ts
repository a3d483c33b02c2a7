import { serveJob } from "../../src/app/background_jobs.ts";

await serveJob();
