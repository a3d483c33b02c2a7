import type {
  BeginUploadRequest,
  BeginUploadResponse,
  ReadChunkRequest,
  ReadChunkResponse,
  UploadChunkRequest,
  UploadChunkResponse,
} from "../gen/chatd/v1/files.ts";
import type { RequestContext } from "./request_types.ts";

/**
 * The calls of FileService, the same on every transport. They throw `ChatError`, and charge the user's allowance
 * themselves.
 */
export const fileHandlers = {
  beginUpload: async (
    { chat, identity }: RequestContext,
    request: BeginUploadRequest,
  ): Promise<BeginUploadResponse> => {
    chat.admit(identity.user);
    chat.admitWrite(identity.user);
    return await chat.files.begin(identity.user, request);
  },

  uploadChunk: async ({ chat, identity }: RequestContext, request: UploadChunkRequest): Promise<UploadChunkResponse> =>
    await chat.files.write(identity.user, request),

  readChunk: async (
    { chat, identity }: RequestContext,
    request: ReadChunkRequest,
    options: { maxBytes?: number } = {},
  ): Promise<ReadChunkResponse> => await chat.files.read(identity.user, request, options),
};
