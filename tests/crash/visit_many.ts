import type { MeasuredServers } from "./measured_server.ts";
import type { VisitKind } from "./visits.ts";

/** Fewer than a server lets one address have. */
const atOnce = 32;

export interface VisitsOptions {
  readonly servers: MeasuredServers;
  readonly count: number;
  /** Number of the first visit, which decides from which address and as which user it comes; 0 unless given. */
  readonly from?: number;
}

/** Makes visits of a kind, some at a time. @throws the first error of a visit, when none is under way any more */
export async function visitMany({ visit }: VisitKind, { servers, count, from = 0 }: VisitsOptions): Promise<void> {
  let index = from;
  const visitSome = async () => {
    while (index < from + count) await visit(servers, index++);
  };
  const results = await Promise.allSettled(Array.from({ length: atOnce }, visitSome));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
