/**
 * The server survives what anybody can send to its port. `CHATD_CRASH_SECONDS` is the time for all transports together
 * (default 12), `CHATD_CRASH_SEED` repeats a run.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import process from "node:process";
import { createCertificates } from "./certificates.ts";
import { createChatdVictim } from "./chatd_victim.ts";
import { data, grpcMessage, headers, PREFACE, requestHeaders, settings } from "./http2_frames.ts";
import { runSuite } from "./suite.ts";
import { openWire, TRANSPORTS } from "./target.ts";
import { startVictim } from "./victim.ts";

const seconds = Number(process.env.CHATD_CRASH_SECONDS ?? 12);
const seed = Number(process.env.CHATD_CRASH_SEED ?? Date.now() % 1_000_000);

for (const transport of TRANSPORTS) {
  Deno.test({
    name: `chatd survives every attack over ${transport}, and goes on serving (seed ${seed})`,
    // Attackers leave sockets and timers behind on purpose.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const failures: string[] = [];
      const certificates = await createCertificates();
      const budgetMs = (seconds * 1000) / TRANSPORTS.length;
      await using victim = await createChatdVictim();
      for await (const result of runSuite({ victim, transport, certificates, seed, budgetMs })) {
        if (result.outcome !== "survived") failures.push(`${result.scenario}: ${result.outcome}, ${result.detail}`);
      }
      assert.deepEqual(failures, []);
    },
  });
}

Deno.test({
  name: "the attackers are let in: a stream of theirs makes the server write",
  async fn() {
    const certificates = await createCertificates();
    await using victim = await createChatdVictim();
    const running = await startVictim(victim, "mtls", certificates);
    try {
      const wire = await openWire(running.target);
      let received = 0;
      const enough = new Promise<void>((resolve) => {
        wire.stream.on("data", (chunk: Uint8Array) => {
          received += chunk.length;
          if (received > 20_000) resolve();
        });
      });
      const opening = running.target.streamOpening.map((message) => data(1, grpcMessage(message)));
      await wire.write(
        Buffer.concat([PREFACE, settings(), headers(1, requestHeaders(running.target.streamPath)), ...opening]),
      );
      await enough;
      wire.reset();
    } finally {
      await running.stop();
    }
  },
});
