import { versionOfServer, whyStandby } from "../../app/operator_socket.ts";
import { ChatError } from "../../core/chat_error.ts";
import { exitCode } from "../exit_code.ts";
import type { DataFolderOptions } from "../options/data_folder.ts";

/**
 * Checks that the server of a data folder answers on the socket there, which needs neither its address nor a
 * certificate. A server that stands by is healthy, too.
 * @returns 0
 * @throws {ChatError} `unavailable` if it does not answer
 */
export async function runHealthcheck({ dataDir }: DataFolderOptions): Promise<number> {
  const version = await versionOfServer(dataDir);
  if (version === undefined) {
    throw new ChatError("unavailable", `No server of the data folder "${dataDir}" answers.`);
  }
  const standby = await whyStandby(dataDir);
  console.log(`chatd ${version} answers.${standby === "" ? "" : ` ${standby}`}`);
  return exitCode.done;
}
