/**
 * A connection that came and went leaves no memory behind, of whatever kind it was. `CHATD_CRASH_CONNECTIONS` is how
 * many of each kind are measured (default 2,000), after as many of each kind to warm up.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { createCertificates } from "./certificates.ts";
import { MeasuredProcess } from "./measured_process.ts";
import { type Memory, memoryGrowth, showMemory } from "./memory.ts";
import { visitMany } from "./visit_many.ts";
import { visitKinds } from "./visits.ts";

const connections = Number(process.env.CHATD_CRASH_CONNECTIONS ?? 2_000);
const sessions = 3 * connections * visitKinds.filter(({ beginsSession }) => beginsSession).length;
/** As few as may begin so many sessions: some memory stays for each user for a while. */
const users = Math.ceil(sessions / 100);
/**
 * Octets of heap, and of memory outside of it, that connections may leave: 100 each, and what the compiler keeps by the
 * way.
 */
const maxBytes = Math.max(100 * connections, 512 * 1_024);
/**
 * The same of resident memory, of connections of all kinds together: an allocator keeps some of it for the next ones.
 */
const maxResidentBytes = 1_024;

Deno.test({
  name: `${connections} connections of each kind leave no memory behind`,
  // Sockets that were reset close in their own time.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(test) {
    const { server } = await createCertificates();
    await using measured = await MeasuredProcess.start({ identity: server, users });
    const { servers } = measured;
    for (const kind of visitKinds) await visitMany(kind, { servers, count: connections });
    const first = await measured.memory();
    let last: Memory = first;
    for (const kind of visitKinds) {
      await test.step(kind.name, async () => {
        const before = last;
        await visitMany(kind, { servers, count: connections });
        last = await measured.memory();
        const growth = memoryGrowth(before, last);
        assert.ok(Math.max(growth.heap, growth.external) < maxBytes, showMemory(growth));
      });
    }
    let growth = memoryGrowth(first, last);
    if (growth.rss >= maxResidentBytes * connections * visitKinds.length) {
      // On a loaded machine an allocator keeps more, once; a leak comes again.
      for (const kind of visitKinds) await visitMany(kind, { servers, count: connections });
      growth = memoryGrowth(last, await measured.memory());
    }
    assert.ok(growth.rss < maxResidentBytes * connections * visitKinds.length, showMemory(growth));
  },
});
