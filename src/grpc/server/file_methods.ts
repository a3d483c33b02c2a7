import { FileServiceDefinition } from "../../gen/chatd/v1/files_service.ts";
import { fileHandlers } from "../../session/file_handlers.ts";
import type { MethodDefinition, MethodName } from "../service_definition.ts";
import type { Method } from "./incoming_call.ts";
import { methodsOf } from "./methods.ts";
import { authenticate, unary, type UnaryOptions } from "./unary_methods.ts";

/** Returns the methods of FileService. */
export function fileMethods(options: UnaryOptions): [path: string, method: Method][] {
  const method = (name: MethodName<typeof FileServiceDefinition>) => {
    const { requestType }: MethodDefinition = FileServiceDefinition.methods[name];
    return unary(
      options,
      requestType,
      async (request, call) => await fileHandlers[name](await authenticate(options, call), request as never),
    );
  };
  return methodsOf(FileServiceDefinition, {
    beginUpload: method("beginUpload"),
    uploadChunk: method("uploadChunk"),
    readChunk: method("readChunk"),
  });
}
