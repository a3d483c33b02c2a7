import assert from "node:assert/strict";
import { freePorts } from "../../../src/bench/systems/free_ports.ts";

Deno.test("freePorts() returns no port twice, however often it is called before they are in use", async () => {
  const ports = (await Promise.all(Array.from({ length: 200 }, () => freePorts(4)))).flat();
  assert.equal(new Set(ports).size, 800);
  assert.ok(ports.every((port) => port >= 15_000 && port < 32_768));
});
