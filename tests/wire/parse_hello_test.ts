import assert from "node:assert/strict";
import type { Callback, Hello } from "../../src/gen/chatd/v1/session.ts";
import { parseHello } from "../../src/wire/parse_hello.ts";
import { throwsWith } from "../support/checks/chat_error_assertions.ts";

const hello: Hello = {
  protocolVersion: 1,
  token: "a token",
  consumer: "",
  resumeAfter: 0,
  epoch: "",
  callback: undefined,
  client: "a test",
};

function withCallback(change: Partial<Callback>): Hello {
  const callback = { port: 40_000, certificate: new Uint8Array(500), secret: new Uint8Array(32), ...change };
  return { ...hello, callback };
}

Deno.test("a hello names its consumer", () => {
  assert.deepEqual(parseHello(hello), { ...hello, consumer: "ui" });
  assert.equal(parseHello({ ...hello, consumer: "tail" }).consumer, "tail");
});

Deno.test("a hello keeps no memory of the frame that it came in", () => {
  const frame = new Uint8Array(1_000).fill(1);
  const { callback } = parseHello(
    withCallback({ certificate: frame.subarray(0, 500), secret: frame.subarray(500, 532) }),
  );
  frame.fill(2);
  assert.deepEqual(callback, {
    port: 40_000,
    certificate: frame.slice(0, 500).fill(1),
    secret: frame.slice(0, 32).fill(1),
  });
});

Deno.test("a hello of another protocol version is refused with the versions of the server", () => {
  for (const protocolVersion of [0, 3, 4_294_967_295]) {
    const { message } = throwsWith("unsupported_version", () => parseHello({ ...hello, protocolVersion }));
    assert.match(message, new RegExp(`versions 1 to 2, not ${protocolVersion}`));
  }
});

Deno.test("a callback needs an unprivileged port, a certificate and a secret", () => {
  for (const port of [1_024, 65_535]) parseHello(withCallback({ port }));
  parseHello(withCallback({ certificate: new Uint8Array(8_192), secret: new Uint8Array(16) }));
  const wrong: Partial<Callback>[] = [
    { port: 0 },
    { port: 1_023 },
    { port: 65_536 },
    { certificate: new Uint8Array() },
    { certificate: new Uint8Array(8_193) },
    { secret: new Uint8Array(15) },
    { secret: new Uint8Array(65) },
  ];
  for (const change of wrong) throwsWith("invalid_argument", () => parseHello(withCallback(change)));
});
