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

const { serverReflectionInfo } = ServerReflectionService;

/** Paths of the method in both versions of the protocol. */
export const reflectionPaths: readonly string[] = [
  serverReflectionInfo.path,
  serverReflectionInfo.path.replace("/grpc.reflection.v1.", "/grpc.reflection.v1alpha."),
];

type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>;
type Question = NonNullable<ServerReflectionRequest["messageRequest"]>;
type ReflectionCall = ServerDuplexStream<ServerReflectionRequest, Uint8Array>;

export interface ReflectionOptions {
  readonly services: readonly string[];
  /** Before a peer gets an answer of so many bytes. @throws {ChatError} `rate_limited` */
  admit(peer: string, answerBytes: number): void;
}

/**
 * Serves reflection, from descriptors that are part of the program, for the protocol's versions v1 and v1alpha, which
 * differ in name only.
 * @see https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
export function addReflection(server: Server, { services, admit }: ReflectionOptions): void {
  const answer = reflectOn(services);
  const implementation = {
    serverReflectionInfo: (call: ReflectionCall) => {
      let questions = 0;
      let bytes = 0;
      let isRefused = false;
      call.on("data", (request: ServerReflectionRequest) => {
        if (isRefused || questions >= maxQuestions || bytes >= maxAnswerBytes) return;
        const response = responseTo(request, answer(request.messageRequest));
        try {
          admit(call.getPeer(), response.length);
        } catch (error) {
          isRefused = true;
          return call.emit("error", toStatus(error));
        }
        questions++;
        bytes += response.length;
        const isLast = questions >= maxQuestions || bytes >= maxAnswerBytes;
        // A status overtakes what waits to be written.
        call.write(response, () => isLast && call.emit("error", enough()));
      });
      call.on("end", () => call.end());
    },
  } as UntypedServiceImplementation;
  const asBytes = { ...serverReflectionInfo, responseSerialize: (response: Buffer) => response };
  for (const path of reflectionPaths) server.addService({ serverReflectionInfo: { ...asBytes, path } }, implementation);
}

/** The encoded response, of which the answer is encoded already: fields of one message may come one after the other. */
function responseTo(request: ServerReflectionRequest, answer: Uint8Array): Buffer {
  const { host } = request;
  const asked = { validHost: host, originalRequest: request, messageResponse: undefined };
  return Buffer.concat([ServerReflectionResponse.encode(asked).finish(), answer]);
}

/** The encoding of a response that has this answer and nothing else. */
function encodeAnswer(messageResponse: Answer): Uint8Array {
  return ServerReflectionResponse.encode({ validHost: "", originalRequest: undefined, messageResponse }).finish();
}

/** Returns answers to questions about the contract, encoded; those about its files are encoded once. Exported for tests. */
export function reflectOn(services: readonly string[]): (question: Question | undefined) => Uint8Array {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Uint8Array.fromBase64(descriptorsBase64)));
  const described = new Map([...registry.files].map((file) => [file, encodeAnswer(describe(file))]));
  const listed = encodeAnswer({
    $case: "listServicesResponse",
    value: { service: services.map((name) => ({ name })) },
  });

  function fileOfSymbol(name: string): DescFile | undefined {
    const found = registry.get(name)?.file;
    const dot = name.lastIndexOf(".");
    // A method, a field or an enum's value is in the file of what it belongs to.
    return found ?? (dot < 0 ? undefined : registry.get(name.slice(0, dot))?.file);
  }

  function answerFor(file: DescFile | undefined, asked: string): Uint8Array {
    return file === undefined ? notFound(asked) : described.get(file)!;
  }

  return (question) => {
    switch (question?.$case) {
      case "listServices":
        return listed;
      case "fileByFilename":
        return answerFor(registry.getFile(question.value), question.value);
      case "fileContainingSymbol":
        return answerFor(fileOfSymbol(question.value), question.value);
      case "allExtensionNumbersOfType":
        return registry.get(question.value) === undefined ? notFound(question.value) : encodeAnswer({
          $case: "allExtensionNumbersResponse",
          value: { baseTypeName: question.value, extensionNumber: [] },
        });
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
function describe(file: DescFile): Answer {
  const files = new Set<DescFile>();
  const add = (next: DescFile) => {
    files.add(next);
    next.dependencies.forEach(add);
  };
  add(file);
  const fileDescriptorProto = [...files].map((each) => toBinary(FileDescriptorProtoSchema, each.proto));
  return { $case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function notFound(asked: string): Uint8Array {
  return refuse(status.NOT_FOUND, `This server has no ${JSON.stringify(asked.slice(0, 200))}.`);
}

function refuse(errorCode: status, errorMessage: string): Uint8Array {
  return encodeAnswer({ $case: "errorResponse", value: { errorCode, errorMessage } });
}
