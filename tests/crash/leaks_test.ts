import assert from "node:assert/strict";
import { createCertificates } from "./certificates.ts";
import { isLeak, measureLeaks, tellLeak } from "./leaks.ts";

Deno.test("connections leave nothing behind: neither sockets, nor those that speak chatd's HTTP/2", async () => {
  const certificates = await createCertificates();
  const kinds = ["TCP", "TLS", "HTTP/2 of chatd"] as const;
  const measured = await Array.fromAsync(measureLeaks({ deno: Deno.execPath(), count: 400, certificates, kinds }));
  assert.deepEqual(measured.filter(isLeak).map(tellLeak), []);
  assert.equal(measured.length, kinds.length);
});
