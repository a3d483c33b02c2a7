import assert from "node:assert/strict";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { MessageLoad, receivesAll, unlimited } from "../support/servers/message_load.ts";
import { join } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const kills = 10;

for (const callback of [false, true]) {
  Deno.test(`a server killed ${kills} times under load loses and doubles nothing (${callback ? "callback" : "stream"})`, async () => {
    using folder = temporaryFolder();
    const options = { folder: folder.path, args: unlimited };
    let server = await ServerProcess.start(options);
    const { port } = server;
    const [ana, ben, cleo] = [
      await join("ana", new Http2Transport({ host: "127.0.0.1", port, callback })),
      await join("ben", new Http2Transport({ host: "127.0.0.1", port, callback })),
      await join("cleo", new Http2Transport({ host: "127.0.0.1", port, callback })),
    ];

    const loads = [ana, ben].map((from) => new MessageLoad(from, { to: "cleo", inFlight: 32 }));
    for (let kill = 0; kill < kills; kill++) {
      await Promise.all(loads.map((load) => load.accepts(50 + 20 * kill)));
      server.kill("SIGKILL");
      await server.status;
      await server[Symbol.asyncDispose]();
      server = await ServerProcess.start({ ...options, port });
    }
    await Promise.all(loads.map((load) => load.stop()));
    await receivesAll(cleo, ana, ben);
    for (const conversation of ["ana:cleo", "ben:cleo"]) {
      const seqs = cleo.received.filter((message) => message.conversation === conversation).map(({ seq }) => seq);
      assert.deepEqual(seqs, seqs.map((_, index) => index + 1), "numbered without gaps");
    }
    await Promise.all([ana.stop(), ben.stop(), cleo.stop()]);
    await server[Symbol.asyncDispose]();
  });
}
