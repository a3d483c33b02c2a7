/** A proxy that answers with a page of its own while no server is behind it. */
import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { HAProxy } from "../../support/proxies/haproxy.ts";
import { Nginx } from "../../support/proxies/nginx.ts";
import { join, until } from "../../support/servers/person.ts";
import { ServerProcess } from "../../support/processes/server_process.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { transportTo, writeCertificate } from "./routes.ts";

for (const { name, open } of [{ name: "nginx", open: Nginx.open }, { name: "HAProxy", open: HAProxy.open }]) {
  Deno.test(`clients try again while there is no server behind ${name}`, async () => {
    using folder = temporaryFolder();
    const { caFile, certificate } = await writeCertificate(folder.path);
    const server = { folder: `${folder.path}/data`, args: ["--no-callback"] };
    await using first = await ServerProcess.start(server);
    await using proxy = await open({ serverPort: first.port, folder: folder.path, certificate });
    const transport = transportTo({ name, port: proxy.port, caFile });
    const ana = await join("ana", transport);
    first.kill("SIGTERM");
    await first.ended();
    await until(() => ana.client.state.kind === "offline");
    await assert.rejects(
      transport.logIn({ user: "ana", password: "", deviceName: "", deviceId: "" }, {}),
      (error) =>
        error instanceof ChatError && error.code === "unavailable" && /Cannot reach the server/.test(error.message),
    );
    await using _second = await ServerProcess.start({ ...server, port: first.port });
    await until(() => ana.client.state.kind === "online");
    await ana.client.send("ana", "still here");
    await until(() => ana.accepted.length === 1);
    await ana.stop();
  });
}
