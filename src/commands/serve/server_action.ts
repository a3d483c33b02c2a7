import type { ServerEnd } from "../../app/run_server.ts";
import { exitCode } from "../exit_code.ts";

/** Creates the action of a server command, which maps the end of the server to an exit code. */
export function serverAction<Options>(
  serve: (options: Options) => Promise<ServerEnd>,
): (options: Options) => Promise<number> {
  return async (options) => {
    const end = await serve(options);
    if (typeof end === "object") return end.exitCode;
    return end === "stopped" ? exitCode.done : exitCode.usage;
  };
}
