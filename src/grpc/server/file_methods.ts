import { BeginUploadRequest, ReadChunkRequest, UploadChunkRequest } from "../../gen/chatd/v1/files.ts";
import { FileServiceDefinition } from "../../gen/chatd/v1/files_service.ts";
import { fileHandlers } from "../../session/file_handlers.ts";
import type { Method } from "./incoming_call.ts";
import { methodsOf } from "./methods.ts";
import { authenticate, unary, type UnaryOptions } from "./unary_methods.ts";

/** Returns the methods of FileService. */
export function fileMethods(options: UnaryOptions): [path: string, method: Method][] {
  return methodsOf(FileServiceDefinition, {
    beginUpload: unary(
      options,
      BeginUploadRequest,
      async (request, call) => await fileHandlers.beginUpload(await authenticate(options, call), request),
    ),
    uploadChunk: unary(
      options,
      UploadChunkRequest,
      async (request, call) => await fileHandlers.uploadChunk(await authenticate(options, call), request),
    ),
    readChunk: unary(
      options,
      ReadChunkRequest,
      async (request, call) => await fileHandlers.readChunk(await authenticate(options, call), request),
    ),
  });
}
