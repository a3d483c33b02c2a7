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
import { type VisitKind, visitKinds } from "./visits.ts";

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
/** Times that memory may grow beyond these before it counts as a leak. */
const attempts = 3;

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
    let last = first;
    /** Memory that is freed late, and code that is compiled by the way, come once; a leak comes again each time. */
    const leavesNothing = async (kinds: readonly VisitKind[], isBounded: (growth: Memory) => boolean) => {
      const seen: string[] = [];
      for (let attempt = 0; attempt < attempts; attempt++) {
        const before = last;
        for (const kind of kinds) await visitMany(kind, { servers, count: connections });
        last = await measured.memory();
        const growth = memoryGrowth(before, last);
        if (isBounded(growth)) return;
        seen.push(showMemory(growth));
      }
      assert.fail(seen.join("; "));
    };
    for (const kind of visitKinds) {
      await test.step(
        kind.name,
        () => leavesNothing([kind], ({ heap, external }) => Math.max(heap, external) < maxBytes),
      );
    }
    const isBounded = ({ rss }: Memory) => rss < maxResidentBytes * connections * visitKinds.length;
    if (!isBounded(memoryGrowth(first, last))) await leavesNothing(visitKinds, isBounded);
  },
});
