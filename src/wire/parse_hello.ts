import { ChatError } from "../core/chat_error.ts";
import type { Callback, Hello } from "../gen/chatd/v1/session.ts";
import { parseConsumer, protocolVersions } from "./limits.ts";

/**
 * Checks a hello.
 * @returns it with the name of its consumer
 * @throws {ChatError} `unsupported_version`, `invalid_argument`
 */
export function parseHello(hello: Hello): Hello {
  const { min, max } = protocolVersions;
  if (hello.protocolVersion < min || hello.protocolVersion > max) {
    const spoken = min === max ? `version ${min}` : `versions ${min} to ${max}`;
    throw new ChatError(
      "unsupported_version",
      `This server speaks protocol ${spoken}, not ${hello.protocolVersion}: use a client that does.`,
    );
  }
  if (hello.callback !== undefined) checkCallback(hello.callback);
  return { ...hello, consumer: parseConsumer(hello.consumer) };
}

function checkCallback({ port, certificate, secret }: Callback): void {
  if (port < 1024 || port > 65535) {
    throw new ChatError("invalid_argument", `The callback port is ${port}: it must be 1024 to 65535.`);
  }
  if (certificate.length === 0 || certificate.length > 8192) {
    throw new ChatError("invalid_argument", "The callback certificate must be one X.509 certificate of at most 8 KiB.");
  }
  if (secret.length < 16 || secret.length > 64) {
    throw new ChatError("invalid_argument", `The callback secret has ${secret.length} bytes: it must have 16 to 64.`);
  }
}
