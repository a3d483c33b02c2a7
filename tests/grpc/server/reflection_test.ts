import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { type Client, credentials, type ServiceError } from "@grpc/grpc-js";
import {
  type ServerReflectionRequest,
  ServerReflectionResponse,
} from "../../../src/gen/grpc/reflection/v1/reflection.ts";
import { reflectOn } from "../../../src/grpc/server/reflection.ts";
import { strangersLimits } from "../../../src/grpc/server/strangers_budget.ts";
import { ServerReflectionClient, ServerReflectionService } from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";

const services = ["chatd.v1.ChatService"];
const reflect = reflectOn(services);

function answer(question: Parameters<typeof reflect>[0]) {
  return ServerReflectionResponse.decode(reflect(question)).messageResponse!;
}

/** Names of the files; whatever these import is among them. */
function fileNames(response: ReturnType<typeof answer>): string[] {
  assert.equal(response.$case, "fileDescriptorResponse");
  const files = response.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const names = files.map(({ name }) => name);
  for (const { name, dependency } of files) {
    assert.deepEqual(dependency.filter((needed) => !names.includes(needed)), [], `${name} imports what is not there`);
  }
  assert.equal(new Set(names).size, names.length, "a file is there twice");
  return names;
}

Deno.test("reflection finds the file of a service, a method and a message, with what it imports", () => {
  for (const symbol of ["chatd.v1.ChatService", "chatd.v1.ChatService.Send"]) {
    const names = fileNames(answer({ $case: "fileContainingSymbol", value: symbol }));
    assert.equal(names[0], "chatd/v1/chat_service.proto");
    for (const imported of ["chat", "session"]) assert.ok(names.includes(`chatd/v1/${imported}.proto`), imported);
  }
  assert.deepEqual(fileNames(answer({ $case: "fileContainingSymbol", value: "chatd.v1.Message" })), [
    "chatd/v1/chat.proto",
  ]);
  assert.deepEqual(fileNames(answer({ $case: "fileByFilename", value: "chatd/v1/auth.proto" })), [
    "chatd/v1/auth.proto",
  ]);
});

Deno.test("reflection says not found for what is not there", () => {
  for (
    const question of [
      { $case: "fileContainingSymbol", value: "nope" },
      { $case: "fileContainingSymbol", value: "chatd.v1.Nope.Send" },
      { $case: "fileByFilename", value: "../../etc/passwd" },
      { $case: "allExtensionNumbersOfType", value: "nope" },
    ] as const
  ) {
    const response = answer(question);
    assert.equal(response.$case, "errorResponse");
    assert.equal(response.value.errorCode, 5);
  }
});

Deno.test("reflection is served as v1 and as v1alpha", async () => {
  await using test = await startTestGrpcServer();
  const address = `127.0.0.1:${test.server.port}`;
  const { path, requestSerialize, responseDeserialize } = ServerReflectionService.serverReflectionInfo;
  for (const version of ["v1", "v1alpha"]) {
    const client: Client = new ServerReflectionClient(address, credentials.createInsecure());
    const call = client.makeBidiStreamRequest<ServerReflectionRequest, ServerReflectionResponse>(
      path.replace(".v1.", `.${version}.`),
      requestSerialize,
      responseDeserialize,
    );
    call.end({ host: "", messageRequest: { $case: "listServices", value: "" } });
    const responses: ServerReflectionResponse[] = [];
    for await (const response of call) responses.push(response);
    assert.deepEqual(responses[0].messageResponse, {
      $case: "listServicesResponse",
      value: {
        service: ["chatd.v1.ChatService", "chatd.v1.AuthService", "chatd.v1.FileService", "grpc.health.v1.Health"].map((
          name,
        ) => ({ name })),
      },
    });
    client.close();
  }
});

Deno.test("one call has so many answers, and no more", async () => {
  const plenty = { burst: 1_000_000, perSecond: 1_000_000 };
  const strangers = { ...strangersLimits, perAddress: { ...plenty, debt: 0 }, inAll: plenty };
  await using test = await startTestGrpcServer({ strangers });
  const client = new ServerReflectionClient(`127.0.0.1:${test.server.port}`, credentials.createInsecure());
  const ask = async (messageRequest: ServerReflectionRequest["messageRequest"]) => {
    const call = client.serverReflectionInfo();
    for (let count = 0; count < 1_200; count++) call.write({ host: "", messageRequest });
    call.end();
    let answers = 0;
    let bytes = 0;
    call.on("data", (response: ServerReflectionResponse) => {
      answers++;
      bytes += ServerReflectionResponse.encode(response).finish().length;
    });
    const error = await new Promise<ServiceError>((resolve) => call.on("error", resolve));
    assert.deepEqual([error.code, error.metadata.get("chatd-error-code")], [8, ["limit_reached"]]);
    return { answers, bytes };
  };
  // A client of grpc-js drops answers that it has not handed on when the status comes.
  const { answers } = await ask(undefined);
  assert.ok(answers > 900 && answers <= 1_000, `${answers} answers`);
  const { bytes } = await ask({ $case: "fileContainingSymbol", value: "chatd.v1.ChatService" });
  assert.ok(bytes > 200 * 1024 && bytes < 320 * 1024, `${bytes} bytes`);
  client.close();
});
