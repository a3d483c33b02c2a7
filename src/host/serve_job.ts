import { ChatError, type ChatErrorCode } from "../core/chat_error.ts";

/** Opens a job with its settings. Settings, inputs and outputs are cloned on their way to and from the worker. */
export type Job<Settings = never, Input = never, Output = unknown> = (settings: Settings) => (input: Input) => Output;

export type SettingsOf<Opened extends Job> = Parameters<Opened>[0];
export type InputOf<Opened extends Job> = Parameters<ReturnType<Opened>>[0];
export type OutputOf<Opened extends Job> = Awaited<ReturnType<ReturnType<Opened>>>;

/** Jobs by the names of their workers, each loaded in the worker that does it. */
export type Jobs = Readonly<Record<string, () => Promise<Job>>>;

/** A message to a worker. */
export interface Task {
  readonly settings: unknown;
  readonly input: unknown;
}

/** Tells a worker to close everything and end after its current task. */
export const endWorker = "end";

/** A message from a worker: it is ready for tasks, finished or failed one, or ended as told. */
export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "ended" }
  | { readonly kind: "done"; readonly output: unknown }
  | { readonly kind: "failed"; readonly code: ChatErrorCode | undefined; readonly error: unknown };

/** The part of a worker's global scope that this module uses; Deno's types declare only windows. */
interface WorkerScope {
  readonly name: string;
  onmessage: (event: MessageEvent<Task | typeof endWorker>) => void;
  close(): void;
  postMessage(report: Report): void;
}

/** Runs the job that this worker is named after, one task at a time, until the worker is terminated. */
export async function serveJob(jobs: Jobs): Promise<void> {
  const scope = globalThis as unknown as WorkerScope;
  const open = await jobs[scope.name]() as Job<unknown, unknown>;
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
