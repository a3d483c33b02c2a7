import assert from "node:assert/strict";
import { chatCommand } from "../../src/app/chat_command.ts";
import type { ServerTls } from "../../src/app/server_options.ts";
import { parseHostPort } from "../../src/host/host_port.ts";

const tls = { certFile: "cert.pem", keyFile: "key.pem" };

/** Returns the address in the command for a server with this listening address. */
function serverOf(listen: string): string | undefined {
  const command = chatCommand({ ...parseHostPort(listen), tls: undefined });
  assert.match(command, / task chat --user ana/);
  return /--server (\S+)/.exec(command)?.[1];
}

Deno.test("chatCommand() contains an address that the client accepts, unless it is the default", () => {
  assert.equal(serverOf("127.0.0.1:50051"), undefined);
  for (const listen of ["127.0.0.1:6000", "chat.example.org:50051", "[::1]:50051"]) {
    assert.equal(serverOf(listen), listen);
  }
});

Deno.test("chatCommand() contains a placeholder for a server on all addresses", () => {
  for (const listen of ["0.0.0.0:50051", "[::]:50051"]) assert.equal(serverOf(listen), "HOST:50051");
});

Deno.test("chatCommand() contains the options that the client requires for this server's TLS", () => {
  const optionsOf = (host: string, tls?: ServerTls) =>
    chatCommand({ host, port: 50051, tls }).split(" ").filter((word) =>
      word.startsWith("--") && !/user|server/.test(word)
    );
  assert.deepEqual(optionsOf("127.0.0.1"), []);
  assert.deepEqual(optionsOf("0.0.0.0"), ["--insecure"]);
  assert.deepEqual(optionsOf("chat.example.org"), ["--insecure"]);
  assert.deepEqual(optionsOf("0.0.0.0", tls), ["--tls"]);
  assert.deepEqual(optionsOf("127.0.0.1", tls), ["--tls", "--tls-name"]);
  assert.deepEqual(optionsOf("localhost", { ...tls, clientCaFile: "ca.pem" }), ["--tls", "--tls-cert", "--tls-key"]);
});
