import type { FileLink } from "../../client/file_transport.ts";
import type { ChatError } from "../../core/chat_error.ts";
import { FileServiceDefinition } from "../../gen/chatd/v1/files_service.ts";
import { CallError } from "../http2/client_call.ts";
import type { ReceivedStatus } from "../http2/client_stream.ts";
import type { ServerConnection } from "./server_connection.ts";
import { fileCallDeadlineMs } from "./transport_options.ts";
import { type CallDefaults, callMethod, type UnaryMethod, unaryMethod } from "./unary_call.ts";

const beginUpload = unaryMethod(FileServiceDefinition, "beginUpload");
const uploadChunk = unaryMethod(FileServiceDefinition, "uploadChunk");
const readChunk = unaryMethod(FileServiceDefinition, "readChunk");

export interface Http2FileLinkOptions {
  /** Closed with the link. */
  readonly connection: ServerConnection;
  readonly token: string;
  readonly signal: AbortSignal | undefined;
  readonly defaults: CallDefaults;
  explain(status: ReceivedStatus, cause?: unknown): ChatError;
}

/** Calls of FileService over one connection of chatd's own HTTP/2. */
export class Http2FileLink implements FileLink {
  readonly #options: Http2FileLinkOptions;
  readonly #abort = () => void this.close();

  constructor(options: Http2FileLinkOptions) {
    this.#options = options;
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted) this.#abort();
  }

  beginUpload: FileLink["beginUpload"] = (request) => this.#call(beginUpload, request);

  uploadChunk: FileLink["uploadChunk"] = (request) => this.#call(uploadChunk, request);

  readChunk: FileLink["readChunk"] = (request) => this.#call(readChunk, request);

  close(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#options.connection.close();
    return Promise.resolve();
  }

  async #call<Request, Response>(method: UnaryMethod<Request, Response>, request: Request): Promise<Response> {
    const { connection, token, defaults, explain } = this.#options;
    try {
      const metadata = [["authorization", `Bearer ${token}`]] as const;
      return await callMethod(connection, { ...defaults, method, request, metadata, deadlineMs: fileCallDeadlineMs });
    } catch (error) {
      throw error instanceof CallError ? explain(error.status, error) : error;
    }
  }
}
