import { systemReason } from "./system_error.ts";

/** Reasons why a connection cannot be opened or was lost, by the names of errno(3) and getaddrinfo(3). */
const reasons: readonly (readonly [names: RegExp, reason: string])[] = [
  [/\bECONNREFUSED\b/, "connection refused"],
  [/\b(ECONNRESET|ECONNABORTED|EPIPE)\b|socket hang up/, "the connection was reset"],
  [/\b(EHOSTUNREACH|EHOSTDOWN)\b/, "there is no route to the host"],
  [/\b(ENETUNREACH|ENETDOWN)\b/, "the network is unreachable"],
  [/\bETIMEDOUT\b/, "the host does not answer"],
  [/\bEAI_AGAIN\b/, "the name service does not answer"],
  [/\bENOTFOUND\b|\bEAI_[A-Z]+|^getaddrinfo |failed to lookup|Name resolution failed/, "there is no such host"],
  [/\bEADDRNOTAVAIL\b/, "this machine has no address or port left for the connection"],
  [/\b(EACCES|EPERM)\b/, "this system does not permit the connection"],
];

const refusals = /\b(EMFILE|ENFILE|ENOMEM|ENOBUFS)\b/;

/** Returns why the network failed, for people and without a full stop; undefined for words of another origin. */
export function networkReason(words: string): string | undefined {
  const [, reason] = reasons.find(([names]) => names.test(words)) ?? [];
  if (reason !== undefined) return reason;
  const [code] = refusals.exec(words) ?? [];
  if (code === undefined) return undefined;
  return systemReason(Object.assign(new Error(), { code: code === "ENOBUFS" ? "ENOMEM" : code }));
}
