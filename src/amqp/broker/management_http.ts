import { request as requestPlain } from "node:http";
import { request as requestEncrypted } from "node:https";
import { text } from "node:stream/consumers";
import { isLoopback } from "./refused_logins.ts";

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

/**
 * Makes a request to the management plugin. An unencrypted one on this machine does not pass the HTTP proxy of the
 * environment, to which `fetch` would show the password. @throws {Error} if there is no response
 */
export async function requestManagement(
  url: URL,
  { ca, ...options }: ManagementRequest,
): Promise<ManagementResponse> {
  const isEncrypted = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isPlainHere = !isEncrypted && (host === "localhost" || isLoopback(host));
  if (isPlainHere || (isEncrypted && ca !== undefined)) return await requestDirectly(url, { ca, ...options });
  const response = await fetch(url, options);
  return { status: response.status, text: await response.text() };
}

/** Trusts `ca` alone, if it is given: certificates for `fetch` are trusted besides the system's. */
function requestDirectly(
  url: URL,
  { body, signal, ca, ...options }: ManagementRequest,
): Promise<ManagementResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<ManagementResponse>();
  const fail = (error: Error) => reject(signal.aborted ? signal.reason : error);
  const request = url.protocol === "https:" ? requestEncrypted : requestPlain;
  // Without `rejectUnauthorized`, NODE_TLS_REJECT_UNAUTHORIZED could disable verification.
  const sent = request(url, { ...options, ca, agent: false, rejectUnauthorized: true, signal }, (response) => {
    text(response).then((text) => resolve({ status: response.statusCode!, text }), fail);
  });
  sent.on("error", fail);
  sent.end(body);
  return promise;
}
