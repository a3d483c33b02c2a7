import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { requireDebianPackages } from "../../support/processes/debian_package.ts";
import { makePythonStubs } from "../../support/processes/python_stubs.ts";
import { startSite } from "./routes.ts";

const client = fileURLToPath(new URL("./envoy_like_client.py", import.meta.url));
requireDebianPackages(["python3-h2"], "a client of these tests is made of it");
const site = await startSite();
Deno.test.afterAll(async () => await site[Symbol.asyncDispose]());
const stubs = await makePythonStubs(`${site.folder}/stubs`);

site.routes.filter(({ name }) => name.startsWith("directly")).forEach(({ name, port, caFile }, index) => {
  Deno.test(`a peer with Envoy's settings, and one with small windows, calls and chats ${name}`, async () => {
    const { success, stderr } = await new Deno.Command("/usr/bin/python3", {
      args: [client, String(port), caFile ?? "-", String(index)],
      env: { PYTHONPATH: stubs },
      stdin: "null",
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  });
});
