import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { debianPackages, requireDebianPackages } from "../../support/processes/debian_package.ts";
import { startSite } from "./routes.ts";
import {
  AuthServiceService,
  ChatServiceService,
  FileServiceService,
  HealthService,
} from "../../support/servers/grpc_js_services.ts";

const client = fileURLToPath(new URL("./reflection_client.py", import.meta.url));
const protos = fileURLToPath(new URL("../../../proto/", import.meta.url));
requireDebianPackages(
  ["python3-grpcio", "python3-protobuf", "protobuf-compiler"],
  "a client by reflection is made of them",
);
const site = await startSite();
Deno.test.afterAll(async () => await site[Symbol.asyncDispose]());
const descriptors = `${site.folder}/reflection.pb`;
await run(debianPackages["protobuf-compiler"], [
  "-I",
  protos,
  `--descriptor_set_out=${descriptors}`,
  "grpc/reflection/v1/reflection.proto",
]);

async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

/** "/chatd.v1.ChatService/Send" as reflection names it. */
const methods = [ChatServiceService, AuthServiceService, FileServiceService, HealthService]
  .flatMap((service) => Object.values(service).map(({ path }) => path.slice(1).replace("/", ".")));

site.routes.forEach(({ name, port, caFile }, index) => {
  Deno.test(`a client that knows reflection only finds and calls every service ${name}`, async () => {
    const user = `ana${index}`;
    const found = JSON.parse(
      await run("/usr/bin/python3", [client, `localhost:${port}`, caFile ?? "-", descriptors, user]),
    );
    const called = found.methods.filter((each: string) => !each.startsWith("grpc.reflection."));
    assert.deepEqual([...called].sort(), [...methods].sort());
    assert.equal(found.user, user);
  });
});
