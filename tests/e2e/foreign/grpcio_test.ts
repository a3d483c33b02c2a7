import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { makePythonStubs } from "../../support/processes/python_stubs.ts";
import { startSite } from "./routes.ts";

const client = fileURLToPath(new URL("./grpcio_client.py", import.meta.url));
const site = await startSite();
Deno.test.afterAll(async () => await site[Symbol.asyncDispose]());
const stubs = await makePythonStubs(`${site.folder}/stubs`);

site.routes.forEach(({ name, port, caFile }, index) => {
  Deno.test(`Python's grpcio logs in, sends, reads and chats live ${name}`, async () => {
    const { success, stderr } = await new Deno.Command("/usr/bin/python3", {
      args: [client, `localhost:${port}`, caFile ?? "-", String(index)],
      env: { PYTHONPATH: stubs, GRPC_VERBOSITY: "error" },
      stdin: "null",
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  });
});
