import { request } from "node:https";
import { text } from "node:stream/consumers";

export interface ManagementRequest {
  readonly method: "GET" | "DELETE" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM certificates that replace the system's roots. */
  readonly ca?: string;
  /** Aborts the request, which rejects with the reason. */
  readonly signal: AbortSignal;
}

export interface ManagementResponse {
  readonly status: number;
  readonly text: string;
}

/** Makes a request to the management plugin. @throws {Error} if there is no response */
export async function requestManagement(
  url: URL,
  { ca, ...options }: ManagementRequest,
): Promise<ManagementResponse> {
  if (ca !== undefined && url.protocol === "https:") return await requestTrusting(ca, url, options);
  const response = await fetch(url, options);
  return { status: response.status, text: await response.text() };
}

/** Trusts `ca` alone: certificates for `fetch` are trusted besides the system's. */
function requestTrusting(
  ca: string,
  url: URL,
  { body, signal, ...options }: ManagementRequest,
): Promise<ManagementResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<ManagementResponse>();
  const fail = (error: Error) => reject(signal.aborted ? signal.reason : error);
  // Without `rejectUnauthorized`, NODE_TLS_REJECT_UNAUTHORIZED could disable verification.
  const sent = request(url, { ...options, ca, agent: false, rejectUnauthorized: true, signal }, (response) => {
    text(response).then((text) => resolve({ status: response.statusCode!, text }), fail);
  });
  sent.on("error", fail);
  sent.end(body);
  return promise;
}
