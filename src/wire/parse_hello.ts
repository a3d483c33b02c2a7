import { ChatError } from "../core/chat_error.ts";
import type { Callback, Hello } from "../gen/chatd/v1/session.ts";
import { parseConsumer, protocolVersions } from "./limits.ts";

/**
 * Checks a hello.
 * @returns it with the name of its consumer, and with copies of its byte strings, which are parts of a frame
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
  const callback = hello.callback && parseCallback(hello.callback);
  return { ...hello, callback, consumer: parseConsumer(hello.consumer) };
}

function parseCallback({ port, certificate, secret }: Callback): Callback {
  if (port < 1024 || port > 65535) {
    throw new ChatError("invalid_argument", `The callback port is ${port}: it must be 1024 to 65535.`);
  }
  if (certificate.length === 0 || certificate.length > 8192) {
    throw new ChatError("invalid_argument", "The callback certificate must be one X.509 certificate of at most 8 KiB.");
  }
  if (secret.length < 16 || secret.length > 64) {
    throw new ChatError("invalid_argument", `The callback secret has ${secret.length} bytes: it must have 16 to 64.`);
  }
  return { port, certificate: new Uint8Array(certificate), secret: new Uint8Array(secret) };
}
