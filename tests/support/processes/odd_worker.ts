/** The entry file of workers that do as they are told, for tests of who gives them tasks. */
import { endWorker, type Report, type Task } from "../../../src/host/serve_job.ts";

interface Scope {
  onmessage: (event: MessageEvent<Task | typeof endWorker>) => void;
  close(): void;
  postMessage(report: Report): void;
}

const scope = globalThis as unknown as Scope;
const born = crypto.randomUUID();

scope.onmessage = ({ data }) => {
  if (data === endWorker) {
    scope.postMessage({ kind: "ended" });
    return scope.close();
  }
  const { settings, input } = data;
  switch ((input as { user?: string }).user ?? input) {
    case "hang":
      for (;;);
    case "dawdle": {
      const end = Date.now() + 3_000;
      while (Date.now() < end);
      return scope.postMessage({ kind: "done", output: { settings, input, born } });
    }
    case "die":
      throw new Error("as told");
    case "fail":
      return scope.postMessage({ kind: "failed", code: undefined, error: new Error("as told") });
    case "refuse":
      return scope.postMessage({ kind: "failed", code: "not_found", error: new Error("There is none.") });
    default:
      return scope.postMessage({ kind: "done", output: { settings, input, born } });
  }
};
scope.postMessage({ kind: "ready" });
