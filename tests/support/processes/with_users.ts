import assert from "node:assert/strict";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import { ScriptUser } from "./script_user.ts";
import { ServerProcess } from "./server_process.ts";

/** Starts a server with ana and ben, who use the commands for scripts over gRPC, and stops it after the use. */
export async function withUsers(
  use: (context: { ana: ScriptUser; ben: ScriptUser; server: ServerProcess; folder: string }) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const place = ["--server", `127.0.0.1:${server.port}`];
  const [ana, ben] = ["ana", "ben"].map((user) => new ScriptUser(user, { folder: folder.path, place }));
  for (const user of [ana, ben]) {
    const { code, stderr } = await user.register();
    assert.equal(code, 0, stderr);
  }
  await use({ ana, ben, server, folder: folder.path });
}
