import { ChatError, type ChatErrorCode } from "../core/chat_error.ts";

/**
 * What is done off the event loop. Each job has its own module, loaded in the worker that does it, and begins with a function of settings that
 * returns one of inputs; settings, inputs and outputs are cloned on their way.
 */
const jobs = {
  search: async () => (await import("../store/search_job.ts")).openSearch,
};

type Open<Name extends JobName> = Awaited<ReturnType<typeof jobs[Name]>>;

export type JobName = keyof typeof jobs;
export type JobSettings<Name extends JobName> = Parameters<Open<Name>>[0];
export type JobInput<Name extends JobName> = Parameters<ReturnType<Open<Name>>>[0];
export type JobOutput<Name extends JobName> = Awaited<ReturnType<ReturnType<Open<Name>>>>;

/** To a worker. */
export interface Task {
  readonly settings: unknown;
  readonly input: unknown;
}

/** To a worker: it is to end when its task is done, with nothing left open. */
export const endWorker = "end";

/** From a worker: it hears tasks from now on, has done one, or ends as it was told. */
export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "ended" }
  | { readonly kind: "done"; readonly output: unknown }
  | { readonly kind: "failed"; readonly code: ChatErrorCode | undefined; readonly error: unknown };

/** As far as the standard library knows windows only. */
interface WorkerScope {
  readonly name: string;
  onmessage: (event: MessageEvent<Task | typeof endWorker>) => void;
  close(): void;
  postMessage(report: Report): void;
}

/** Does the job that this worker is named after, one task after the other, until it is terminated. */
export async function serveJob(): Promise<void> {
  const scope = globalThis as unknown as WorkerScope;
  const open = await jobs[scope.name as JobName]() as (settings: unknown) => (input: unknown) => unknown;
  let job: ((input: unknown) => unknown) | undefined;
  scope.onmessage = async ({ data }) => {
    if (data === endWorker) {
      scope.postMessage({ kind: "ended" });
      return scope.close();
    }
    const { settings, input } = data;
    try {
      job ??= open(settings);
      scope.postMessage({ kind: "done", output: await job(input) });
    } catch (error) {
      const code = error instanceof ChatError ? error.code : undefined;
      scope.postMessage({ kind: "failed", code, error });
    }
  };
  scope.postMessage({ kind: "ready" });
}
