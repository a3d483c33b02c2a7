import assert from "node:assert/strict";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { randomBytes, sourceOf } from "../support/checks/files.ts";
import { join, until } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

Deno.test("files go both ways whole, once, past a server that is killed again and again", async () => {
  using folder = temporaryFolder();
  let server = await ServerProcess.start({ folder: folder.path });
  const { port } = server;
  const [ana, ben] = [
    await join("ana", new Http2Transport({ host: "127.0.0.1", port, callback: false })),
    await join("ben", new Http2Transport({ host: "127.0.0.1", port, callback: false })),
  ];
  const again = async () => {
    server.kill("SIGKILL");
    await server.status;
    await server[Symbol.asyncDispose]();
    server = await ServerProcess.start({ folder: folder.path, port });
  };
  const files = Array.from({ length: 3 }, () => randomBytes(8 * 1024 * 1024));
  const begins: number[] = [];
  const sending = Promise.all(files.map(async (bytes, index) => {
    let last = 0;
    const upload = await ana.client.files.upload(sourceOf(bytes), {
      onProgress(done) {
        if (done < last) begins.push(done);
        last = done;
      },
    });
    await ana.client.send("ben", `file ${index}`, { upload });
  }));
  let isSent = false;
  void sending.finally(() => isSent = true);
  for (let kill = 0; kill < 4 && !isSent; kill++) {
    const uploads = () => sizes(`${folder.path}/files/uploads`);
    const before = uploads();
    await until(() => isSent || uploads() > before + 500_000 || uploads() < before);
    await again();
  }
  await sending;
  await until(() => ben.received.length === 3);
  assert.deepEqual(begins, [], "an upload went back behind what had arrived");
  await Promise.all(ben.received.map(async ({ seq, text, attachment }) => {
    const bytes = new Uint8Array(attachment!.size);
    let length = 0;
    const write = (chunk: Uint8Array) => {
      bytes.set(chunk, length);
      length += chunk.length;
      return Promise.resolve();
    };
    const receiving = ben.client.files.download({ with: "ana", seq, attachment: attachment! }, { write });
    await until(() => length > 1_000_000);
    if (text === "file 0") await again();
    await receiving;
    assert.deepEqual(bytes, files[Number(text.slice(5))]);
  }));
  assert.equal(new Set(ben.received.map(({ text }) => text)).size, 3);
  await Promise.all([ana.stop(), ben.stop()]);
  await server[Symbol.asyncDispose]();
});

function sizes(folder: string): number {
  try {
    return [...Deno.readDirSync(folder)].reduce((sum, { name }) => sum + Deno.statSync(`${folder}/${name}`).size, 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
