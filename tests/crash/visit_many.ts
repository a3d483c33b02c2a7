import type { MeasuredServers } from "./measured_server.ts";
import type { VisitKind } from "./visits.ts";

/** Fewer than a server lets one address have. */
const atOnce = 32;

/** Makes so many visits of a kind, some at a time. @throws the first error of a visit, when none is under way any more */
export async function visitMany({ visit }: VisitKind, servers: MeasuredServers, count: number): Promise<void> {
  let begun = 0;
  const visitSome = async () => {
    while (begun < count) await visit(servers, begun++);
  };
  const results = await Promise.allSettled(Array.from({ length: atOnce }, visitSome));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
