import { createFileRegistry, type DescFile, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type Server, type ServerDuplexStream, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { ChatError } from "../core/chat_error.ts";
import { descriptorsBase64 } from "../gen/descriptors.ts";
import {
  type ServerReflectionRequest,
  ServerReflectionResponse,
  ServerReflectionService,
} from "../gen/grpc/reflection/v1/reflection.ts";
import { toStatus } from "./status.ts";

/** What one call may ask: whoever asks has not logged in, and need not take the answers. */
const maxQuestions = 1_000;
const maxAnswerBytes = 256 * 1024;

type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>;
type Question = NonNullable<ServerReflectionRequest["messageRequest"]>;

/**
 * Serves reflection, from descriptors that are part of the program, for the protocol's versions v1 and v1alpha, which
 * differ in name only.
 * @see https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
export function addReflection(server: Server, { services }: { services: readonly string[] }): void {
  const answer = reflectOn(services);
  const implementation = {
    serverReflectionInfo: (call: ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>) => {
      let questions = 0;
      let bytes = 0;
      call.on("data", (request: ServerReflectionRequest) => {
        if (questions >= maxQuestions || bytes >= maxAnswerBytes) return;
        const messageResponse = answer(request.messageRequest);
        const response = { validHost: request.host, originalRequest: request, messageResponse };
        questions++;
        bytes += ServerReflectionResponse.encode(response).finish().length;
        const isLast = questions >= maxQuestions || bytes >= maxAnswerBytes;
        // A status overtakes what waits to be written.
        call.write(response, () => isLast && call.emit("error", enough()));
      });
      call.on("end", () => call.end());
    },
  } as UntypedServiceImplementation;
  const { serverReflectionInfo } = ServerReflectionService;
  const alphaPath = serverReflectionInfo.path.replace("/grpc.reflection.v1.", "/grpc.reflection.v1alpha.");
  server.addService(ServerReflectionService, implementation);
  server.addService({ serverReflectionInfo: { ...serverReflectionInfo, path: alphaPath } }, implementation);
}

/** Answers questions about the contract; exported for tests. */
export function reflectOn(services: readonly string[]): (question: Question | undefined) => Answer {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Uint8Array.fromBase64(descriptorsBase64)));

  function fileOfSymbol(name: string): DescFile | undefined {
    const found = registry.get(name)?.file;
    const dot = name.lastIndexOf(".");
    // A method, a field or an enum's value is in the file of what it belongs to.
    return found ?? (dot < 0 ? undefined : registry.get(name.slice(0, dot))?.file);
  }

  return (question) => {
    switch (question?.$case) {
      case "listServices":
        return { $case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
      case "fileByFilename":
        return describe(registry.getFile(question.value), question.value);
      case "fileContainingSymbol":
        return describe(fileOfSymbol(question.value), question.value);
      case "allExtensionNumbersOfType":
        return registry.get(question.value) === undefined
          ? notFound(question.value)
          : { $case: "allExtensionNumbersResponse", value: { baseTypeName: question.value, extensionNumber: [] } };
      case "fileContainingExtension":
        return notFound(question.value.containingType);
      case undefined:
        return refuse(status.INVALID_ARGUMENT, "The request asks for nothing.");
    }
  };
}

function enough() {
  return toStatus(new ChatError("limit_reached", "This call has had enough answers: make another one."));
}

/** The file, and what it imports. */
function describe(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return notFound(asked);
  const files = new Set<DescFile>();
  const add = (next: DescFile) => {
    files.add(next);
    next.dependencies.forEach(add);
  };
  add(file);
  const fileDescriptorProto = [...files].map((each) => toBinary(FileDescriptorProtoSchema, each.proto));
  return { $case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function notFound(asked: string): Answer {
  return refuse(status.NOT_FOUND, `This server has no ${JSON.stringify(asked.slice(0, 200))}.`);
}

function refuse(errorCode: status, errorMessage: string): Answer {
  return { $case: "errorResponse", value: { errorCode, errorMessage } };
}
