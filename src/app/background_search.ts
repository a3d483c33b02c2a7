import type { Log } from "../core/log.ts";
import type { MessageSearch, SearchRequest, SearchResult } from "../core/search/message_search.ts";
import { BackgroundWorker } from "../host/background_worker.ts";
import { hasFilesForThread } from "../host/spare_files.ts";
import type { JobName, JobOf } from "./background_jobs.ts";
import { GuardedSearch } from "./guarded_search.ts";

const job = "search" satisfies JobName;
const deadlineMs = 5_000;

export interface BackgroundSearchOptions {
  /** The data folder. */
  readonly folder: string;
  readonly log: Log;
  /** URL of the program's entry file; that of this process unless given. */
  readonly entry?: string;
}

/** Searches in a separate thread, so that other requests do not wait for it. */
export class BackgroundSearch implements MessageSearch, Disposable {
  readonly #worker: BackgroundWorker<JobOf<typeof job>>;
  readonly #guarded: GuardedSearch;

  constructor({ folder, log, entry }: BackgroundSearchOptions) {
    const mayStart = () => hasFilesForThread(folder);
    const worker = new BackgroundWorker<JobOf<typeof job>>({ job, settings: folder, deadlineMs, log, entry, mayStart });
    this.#worker = worker;
    this.#guarded = new GuardedSearch({ find: (request) => worker.run(request) });
  }

  find(request: SearchRequest): Promise<SearchResult> {
    return this.#guarded.find(request);
  }

  close(): void {
    this.#worker.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
