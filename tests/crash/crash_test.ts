/**
 * The server survives what anybody can send to its port. `CHATD_CRASH_SECONDS` is the time for all transports together
 * (default 12), `CHATD_CRASH_SEED` repeats a run.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { createCertificates } from "./certificates.ts";
import { runSuite } from "./suite.ts";
import { TRANSPORTS } from "./target.ts";
import { baselineVictim } from "./victim.ts";

const seconds = Number(process.env.CHATD_CRASH_SECONDS ?? 12);
const seed = Number(process.env.CHATD_CRASH_SEED ?? Date.now() % 1_000_000);

for (const transport of TRANSPORTS) {
  Deno.test({
    name: `a grpc-js server survives every attack over ${transport} (seed ${seed})`,
    // Attackers leave sockets and timers behind on purpose.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const failures: string[] = [];
      const certificates = await createCertificates();
      const budgetMs = (seconds * 1000) / TRANSPORTS.length;
      for await (const result of runSuite({ victim: baselineVictim(), transport, certificates, seed, budgetMs })) {
        if (result.outcome !== "survived") failures.push(`${result.scenario}: ${result.outcome}, ${result.detail}`);
      }
      assert.deepEqual(failures, []);
    },
  });
}
