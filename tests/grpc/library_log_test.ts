import assert from "node:assert/strict";
import { Metadata } from "@grpc/grpc-js";
import { logLibraryMessages } from "../../src/grpc/library_log.ts";

Deno.test("errors of grpc-js go to the log: now and then, and without values of headers", () => {
  const lines: unknown[] = [];
  const write = (_event: string, details?: Record<string, unknown>) => lines.push(details);
  let now = 0;
  logLibraryMessages({ info: write, warn: write, error: write }, () => now);
  const fail = () => Metadata.fromHttp2Headers({ authorization: "Bearer s\u00e9cret" });
  for (let count = 0; count < 100; count++) fail();
  now += 10_000;
  fail();
  const message = "Failed to add metadata entry authorization";
  assert.deepEqual(lines, [{ message, count: 1 }, { message, count: 100 }]);
});
