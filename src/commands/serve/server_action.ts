import type { ServerEnd } from "../../app/run_server.ts";
import { exitCode } from "../exit_code.ts";

/** Makes the action of a command that serves: its exit code says how the server ended. */
export function serverAction<Options>(
  serve: (options: Options) => Promise<ServerEnd>,
): (options: Options) => Promise<number> {
  return async (options) => {
    const end = await serve(options);
    if (typeof end === "object") return end.exitCode;
    return end === "stopped" ? exitCode.done : exitCode.usage;
  };
}
