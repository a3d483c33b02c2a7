import type {
  BeginUploadRequest,
  BeginUploadResponse,
  ReadChunkRequest,
  ReadChunkResponse,
  UploadChunkRequest,
  UploadChunkResponse,
} from "../gen/chatd/v1/files.ts";

/** A way to a server's FileService, which is apart from live sessions. Everything that fails rejects with a `ChatError`. */
export interface FileTransport {
  /** Opens a connection for a while; `signal` closes it. */
  openFiles(options: { token: string; signal?: AbortSignal }): Promise<FileLink>;
}

/** Calls of FileService, which may overlap. The caller owns it and closes it. */
export interface FileLink {
  beginUpload(request: BeginUploadRequest): Promise<BeginUploadResponse>;
  uploadChunk(request: UploadChunkRequest): Promise<UploadChunkResponse>;
  readChunk(request: ReadChunkRequest): Promise<ReadChunkResponse>;
  /** Idempotent; calls that are not answered fail. */
  close(): Promise<void>;
}
