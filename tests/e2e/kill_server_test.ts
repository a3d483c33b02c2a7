import assert from "node:assert/strict";
import type { Message } from "../../src/core/messages/message.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { essence, join, type Person, until } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const kills = 10;
const inFlight = 32;

for (const callback of [false, true]) {
  Deno.test(`a server killed ${kills} times under load loses and doubles nothing (${callback ? "callback" : "stream"})`, async () => {
    using folder = temporaryFolder();
    const options = { folder: folder.path, args: ["--rate", "100000", "--burst", "100000"] };
    let server = await ServerProcess.start(options);
    const { port } = server;
    const [ana, ben, cleo] = [
      await join("ana", new Http2Transport({ host: "127.0.0.1", port, callback })),
      await join("ben", new Http2Transport({ host: "127.0.0.1", port, callback })),
      await join("cleo", new Http2Transport({ host: "127.0.0.1", port, callback })),
    ];

    let loading = true;
    let sent = 0;
    const send = async (from: Person, name: string) => {
      while (loading) await from.client.send("cleo", `${name} ${sent++}`);
    };
    const load = Promise.all(
      [...Array(inFlight).keys()].flatMap((lane) => [send(ana, `ana/${lane}`), send(ben, `ben/${lane}`)]),
    );

    for (let kill = 0; kill < kills; kill++) {
      const before = ana.accepted.length + ben.accepted.length;
      await until(() => ana.accepted.length + ben.accepted.length >= before + 100 + 40 * kill);
      server.kill("SIGKILL");
      await server.status;
      await server[Symbol.asyncDispose]();
      server = await ServerProcess.start({ ...options, port });
    }
    loading = false;
    await load;
    const accepted = [...ana.accepted, ...ben.accepted];
    await until(() => cleo.received.length >= accepted.length);

    const byPosition = (one: Message, other: Message) => one.position - other.position;
    assert.deepEqual(cleo.received.toSorted(byPosition), cleo.received, "delivered in the order of the log");
    const delivered = cleo.received.map(essence);
    assert.deepEqual(delivered, accepted.toSorted(byPosition).map(essence), "delivered exactly what was accepted");
    for (const conversation of ["ana:cleo", "ben:cleo"]) {
      const seqs = cleo.received.filter((message) => message.conversation === conversation).map(({ seq }) => seq);
      assert.deepEqual(seqs, seqs.map((_, index) => index + 1), "numbered without gaps");
    }
    await Promise.all([ana.stop(), ben.stop(), cleo.stop()]);
    await server[Symbol.asyncDispose]();
  });
}
