import { BeginUploadRequest, ReadChunkRequest, UploadChunkRequest } from "../gen/chatd/v1/files.ts";
import { fileHandlers } from "../session/file_handlers.ts";
import { authenticate, unary, type UnaryOptions } from "./unary_methods.ts";

/** Handlers for FileService; requests come undecoded. */
export function fileMethods(options: UnaryOptions) {
  return {
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
  };
}
