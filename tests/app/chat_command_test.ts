import assert from "node:assert/strict";
import { chatCommand } from "../../src/app/chat_command.ts";
import { parseHostPort } from "../../src/host/host_port.ts";

/** Returns the address in the command for a server that listens there. */
function serverOf(listen: string): string | undefined {
  const command = chatCommand({ ...parseHostPort(listen), tls: false });
  assert.match(command, / task chat --user ana/);
  return /--server (\S+)/.exec(command)?.[1];
}

Deno.test("the command for a chat names an address that can be given back, unless it is the standard one", () => {
  assert.equal(serverOf("127.0.0.1:50051"), undefined);
  for (const listen of ["127.0.0.1:6000", "chat.example.org:50051", "[::1]:50051"]) {
    assert.equal(serverOf(listen), listen);
  }
});

Deno.test("the command for a chat with a server on all addresses names none of them", () => {
  for (const listen of ["0.0.0.0:50051", "[::]:50051"]) assert.equal(serverOf(listen), "HOST:50051");
});
