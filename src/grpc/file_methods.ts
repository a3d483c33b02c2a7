import { BeginUploadRequest, ReadChunkRequest, UploadChunkRequest } from "../gen/chatd/v1/files.ts";
import { fileHandlers } from "../session/file_handlers.ts";
import { authenticate, unary, type UnaryOptions } from "./unary_methods.ts";

/** Handlers for FileService; requests come undecoded. */
export function fileMethods(options: UnaryOptions) {
  const { log } = options;
  return {
    beginUpload: unary(
      log,
      BeginUploadRequest,
      async (request, call) => await fileHandlers.beginUpload(await authenticate(options, call), request),
    ),
    uploadChunk: unary(
      log,
      UploadChunkRequest,
      async (request, call) => await fileHandlers.uploadChunk(await authenticate(options, call), request),
    ),
    readChunk: unary(
      log,
      ReadChunkRequest,
      async (request, call) => await fileHandlers.readChunk(await authenticate(options, call), request),
    ),
  };
}
