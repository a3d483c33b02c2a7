import { createFileRegistry, type DescFile, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ChatError } from "../../core/chat_error.ts";
import { descriptorsBase64 } from "../../gen/descriptors.ts";
import {
  ServerReflectionDefinition,
  ServerReflectionRequest,
  ServerReflectionResponse,
} from "../../gen/grpc/reflection/v1/reflection.ts";
import { decodeStrictly } from "../../wire/strict_reader.ts";
import { GrpcStatus } from "../http2/grpc_status.ts";
import { pathOf } from "../service_definition.ts";
import type { ClientConnection } from "./client_connection.ts";
import type { CallHandler, IncomingCall, Method } from "./incoming_call.ts";

/** Bounds of one call, which needs no login. */
const maxQuestions = 1_000;
const maxAnswerBytes = 256 * 1024;

const path = pathOf(ServerReflectionDefinition, "serverReflectionInfo");

/** Paths of the method in both versions of the protocol. */
export const reflectionPaths: readonly string[] = [
  path,
  path.replace("/grpc.reflection.v1.", "/grpc.reflection.v1alpha."),
];

type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>;
type Question = NonNullable<ServerReflectionRequest["messageRequest"]>;

export interface ReflectionOptions {
  readonly services: readonly string[];
  /** Called before a connection receives an answer of this size. @throws {ChatError} `rate_limited` */
  admit(connection: ClientConnection, answerBytes: number): void;
}

/**
 * Returns the methods of reflection, from descriptors that are part of the program, for the protocol versions v1 and
 * v1alpha, which differ only in name.
 * @see https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
export function reflectionMethods({ services, admit }: ReflectionOptions): [path: string, method: Method][] {
  const answer = reflectOn(services);
  const method = (call: IncomingCall) => new ReflectionCall(call, { answer, admit });
  return reflectionPaths.map((path) => [path, method]);
}

interface ReflectionCallOptions extends Pick<ReflectionOptions, "admit"> {
  answer(question: Question | undefined): Uint8Array;
}

class ReflectionCall implements CallHandler {
  readonly #call: IncomingCall;
  readonly #options: ReflectionCallOptions;
  #questions = 0;
  #bytes = 0;

  constructor(call: IncomingCall, options: ReflectionCallOptions) {
    this.#call = call;
    this.#options = options;
  }

  onMessage(message: Uint8Array): void {
    try {
      this.#answer(decodeStrictly(ServerReflectionRequest, message.slice()));
    } catch (error) {
      this.#call.fail(error);
    }
  }

  onHalfClose(): void {
    this.#call.end();
  }

  #answer(request: ServerReflectionRequest): void {
    const response = responseTo(request, this.#options.answer(request.messageRequest));
    this.#options.admit(this.#call.connection, response.length);
    this.#call.send(response);
    this.#questions++;
    this.#bytes += response.length;
    if (this.#questions < maxQuestions && this.#bytes < maxAnswerBytes) return;
    this.#call.fail(new ChatError("limit_reached", "This call has reached its limit of answers. Make another call."));
  }
}

/** Encodes a response around an encoded answer: the fields of a message may be concatenated. */
function responseTo(request: ServerReflectionRequest, answer: Uint8Array): Buffer {
  const { host } = request;
  const asked = { validHost: host, originalRequest: request, messageResponse: undefined };
  return Buffer.concat([ServerReflectionResponse.encode(asked).finish(), answer]);
}

/** Encodes a response that contains only this answer. */
function encodeAnswer(messageResponse: Answer): Uint8Array {
  return ServerReflectionResponse.encode({ validHost: "", originalRequest: undefined, messageResponse }).finish();
}

/**
 * Returns a function that answers questions about the API, encoded; answers about its files are encoded once. Exported
 * for tests.
 */
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
    // A method, field or enum value is in the file of its parent.
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
        return refuse(GrpcStatus.invalidArgument, "The request is empty.");
    }
  };
}

/** Describes a file and its imports. */
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
  return refuse(GrpcStatus.notFound, `This server has no ${JSON.stringify(asked.slice(0, 200))}.`);
}

function refuse(errorCode: GrpcStatus, errorMessage: string): Uint8Array {
  return encodeAnswer({ $case: "errorResponse", value: { errorCode, errorMessage } });
}
