import assert from "node:assert/strict";
import { formatHostPort, parseHostPort } from "../../src/host/host_port.ts";

Deno.test("parseHostPort() reads names and addresses, and formatHostPort() writes them back", () => {
  const table: [string, string, number][] = [
    ["127.0.0.1:50051", "127.0.0.1", 50051],
    ["localhost:0", "localhost", 0],
    ["chat.example.org:65535", "chat.example.org", 65535],
    ["my_host-1:1", "my_host-1", 1],
    ["[::1]:50051", "::1", 50051],
    ["[2001:db8::2]:443", "2001:db8::2", 443],
  ];
  for (const [text, host, port] of table) {
    assert.deepEqual(parseHostPort(text), { host, port });
    assert.equal(formatHostPort({ host, port }), text);
  }
});

Deno.test("parseHostPort() explains each mistake", () => {
  const table: [string, RegExp][] = [
    ["", /not HOST:PORT/],
    ["50051", /not HOST:PORT/],
    [":50051", /names no host/],
    ["127.0.0.1", /no port: write 127\.0\.0\.1:50051/],
    ["::1", /no port: write \[::1\]:50051/],
    ["::1:50051", /write \[::1\]:50051/],
    ["[::1]", /no port: write \[::1\]:50051/],
    ["https://example.org:1", /URL/],
    ["localhost:", /needs a port/],
    ["localhost:65536", /needs a port/],
    ["localhost:http", /not HOST:PORT/],
    ["300.0.0.1:1", /neither/],
    ["1.2.3:1", /neither/],
    ["-x:1", /neither/],
    ["a b:1", /neither/],
    ["[example.org]:1", /neither/],
    ["[::g]:1", /neither/],
  ];
  for (const [text, message] of table) {
    assert.throws(
      () => parseHostPort(text),
      (error) => error instanceof SyntaxError && message.test(error.message),
      text,
    );
  }
});
