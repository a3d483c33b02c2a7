import { type ClientUnaryCall, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { FileLink } from "../../client/file_transport.ts";
import type { ChatError } from "../../core/chat_error.ts";
import type { BeginUploadResponse, ReadChunkResponse, UploadChunkResponse } from "../../gen/chatd/v1/files.ts";
import type { FileServiceDefinition } from "../../gen/chatd/v1/files_service.ts";
import type { GrpcJsClient } from "./grpc_js_service.ts";
import { fileCallDeadlineMs } from "./transport_options.ts";

export interface GrpcFileLinkOptions {
  /** Closed with the link. */
  readonly client: GrpcJsClient<FileServiceDefinition>;
  readonly token: string;
  readonly signal: AbortSignal | undefined;
  explain(error: ServiceError): ChatError;
}

type Done<Response> = (error: ServiceError | null, response: Response) => void;

/** Calls of FileService over one connection. */
export class GrpcFileLink implements FileLink {
  readonly #options: GrpcFileLinkOptions;
  readonly #calls = new Set<ClientUnaryCall>();
  readonly #metadata = new Metadata();
  readonly #abort = () => void this.close();
  #isClosed = false;

  constructor(options: GrpcFileLinkOptions) {
    this.#options = options;
    this.#metadata.set("authorization", `Bearer ${options.token}`);
    options.signal?.addEventListener("abort", this.#abort);
    if (options.signal?.aborted) this.#abort();
  }

  beginUpload: FileLink["beginUpload"] = (request) =>
    this.#call<BeginUploadResponse>((client, done) => client.beginUpload(request, this.#metadata, deadline(), done));

  uploadChunk: FileLink["uploadChunk"] = (request) =>
    this.#call<UploadChunkResponse>((client, done) => client.uploadChunk(request, this.#metadata, deadline(), done));

  readChunk: FileLink["readChunk"] = (request) =>
    this.#call<ReadChunkResponse>((client, done) => client.readChunk(request, this.#metadata, deadline(), done));

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.#options.signal?.removeEventListener("abort", this.#abort);
    for (const call of this.#calls) call.cancel();
    this.#options.client.close();
    return Promise.resolve();
  }

  #call<Response>(
    start: (client: GrpcJsClient<FileServiceDefinition>, done: Done<Response>) => ClientUnaryCall,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const call = start(this.#options.client, (error, response) => {
        this.#calls.delete(call);
        if (error === null) resolve(response);
        else reject(this.#options.explain(error));
      });
      this.#calls.add(call);
      if (this.#isClosed) call.cancel();
    });
  }
}

function deadline() {
  return { deadline: Date.now() + fileCallDeadlineMs };
}
