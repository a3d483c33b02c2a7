import type {
  BeginUploadRequest,
  BeginUploadResponse,
  ReadChunkRequest,
  ReadChunkResponse,
  UploadChunkRequest,
  UploadChunkResponse,
} from "../gen/chatd/v1/files.ts";

/** Reaches the FileService of a server, apart from live sessions. Failures reject with a `ChatError`. */
export interface FileTransport {
  /** Opens a connection, which `signal` closes. */
  openFiles(options: { token: string; signal?: AbortSignal }): Promise<FileLink>;
}

/** Calls of FileService, which may overlap. The caller owns it and closes it. */
export interface FileLink {
  beginUpload(request: BeginUploadRequest): Promise<BeginUploadResponse>;
  uploadChunk(request: UploadChunkRequest): Promise<UploadChunkResponse>;
  readChunk(request: ReadChunkRequest): Promise<ReadChunkResponse>;
  /** Closes the connection, and fails its open calls. Idempotent. */
  close(): Promise<void>;
}
