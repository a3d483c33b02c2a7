import type { Commit, Metrics } from "../../../src/core/metrics.ts";

/** Remembers what was counted, without how long it took. */
export class CountedMetrics implements Metrics {
  /** As "refused test not_found", oldest first. */
  readonly counted: string[] = [];
  readonly commits: Commit[] = [];
  /** When the entries were accepted that went out. */
  readonly deliveries: number[] = [];

  sessionBegan(transport: string): void {
    this.#count("began", transport);
  }

  sessionEnded(transport: string, reason: string | undefined): void {
    this.#count("ended", transport, reason ?? "left");
  }

  committed(commit: Commit): void {
    this.commits.push(commit);
  }

  delivered(acceptedAt: number): void {
    this.deliveries.push(acceptedAt);
  }

  refused(transport: string, code: string): void {
    this.#count("refused", transport, code);
  }

  loggedIn(way: string, outcome: string): void {
    this.#count(way, outcome);
  }

  uploaded(bytes: number): void {
    this.#count("uploaded", String(bytes));
  }

  #count(...words: string[]): void {
    this.counted.push(words.join(" "));
  }
}
