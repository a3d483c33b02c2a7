import assert from "node:assert/strict";
import { chatCommand } from "../../src/app/chat_command.ts";
import { parseHostPort } from "../../src/host/host_port.ts";

/** Returns the address in the command for a server with this listening address. */
function serverOf(listen: string): string | undefined {
  const command = chatCommand({ ...parseHostPort(listen), tls: false });
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
