import process from "node:process";
import type { ChatErrorCode } from "../../core/chat_error.ts";
import type { Commit, LoginWay, Metrics } from "../../core/metrics.ts";
import { type Certificate, daysLeft } from "../certificates/certificate.ts";
import { version } from "../version.ts";
import { MetricFamilies } from "./prometheus_text.ts";

export interface WatchedTransport {
  readonly name: string;
  readonly isUp: boolean;
  readonly isBlocked?: boolean;
  readonly connections?: number;
}

/** State of the server that is read for each request of metrics. */
export interface Watched {
  readonly transports: readonly WatchedTransport[];
  /** Returns the certificates in use. */
  certificates(): readonly Certificate[];
  /** Returns the number of log entries that are not in the search index yet. */
  searchLag(): number;
  /** Returns the sizes of the database file and its write-ahead log, in bytes. */
  fileBytes(): { database: number; log: number };
  /** Returns the free space on the disk of the data folder; undefined without the permission. */
  freeBytes(): Promise<number | undefined>;
  /** Returns the number of log lines that were dropped because stderr was not read. */
  droppedLines(): number;
  /** The lease of a node that serves from a database. */
  readonly lease?: { readonly generation: number; readonly ageMs: number };
}

const fromMicroseconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const fromMilliseconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000];
/** The interval of the timer that measures the lag of the event loop, in milliseconds. */
const loopIntervalMs = 100;

/** Counters for Prometheus. The owner disposes of it. */
export class PrometheusMetrics implements Metrics, Disposable {
  readonly #families = new MetricFamilies();
  readonly #loopTimer: ReturnType<typeof setInterval>;
  #watched: Watched | undefined;
  #free: number | undefined;

  readonly #sessions = this.#families.gauge({
    name: "chatd_sessions",
    help: "Live sessions.",
    labelled: true,
  });
  readonly #sessionsEnded = this.#families.counter({
    name: "chatd_sessions_ended_total",
    help: 'Ended sessions by reason, which is "left" when the client ended it.',
    labelled: true,
  });
  readonly #messages = this.#families.counter({
    name: "chatd_messages_accepted_total",
    help: "Messages that were accepted and written to disk.",
  });
  readonly #events = this.#families.counter({
    name: "chatd_events_accepted_total",
    help: "Other accepted entries of conversations: edits, reactions, pins, changes of rooms.",
  });
  readonly #deliveryLag = this.#families.histogram({
    name: "chatd_delivery_lag_seconds",
    help: "Time from accepting an entry to sending it to a live session, for each session.",
    bounds: fromMilliseconds,
  });
  readonly #commitDuration = this.#families.histogram({
    name: "chatd_commit_duration_seconds",
    help: "Time of a transaction until it is on disk.",
    bounds: fromMicroseconds,
  });
  readonly #commitChanges = this.#families.histogram({
    name: "chatd_commit_changes",
    help: "Messages, other entries and read positions in one transaction.",
    bounds: sizes,
  });
  readonly #refused = this.#families.counter({
    name: "chatd_requests_refused_total",
    help: "Requests that were refused, by error code.",
    labelled: true,
  });
  readonly #logins = this.#families.counter({
    name: "chatd_logins_total",
    help: "Logins, registrations and password checks of the broker, by outcome.",
    labelled: true,
  });
  readonly #uploadedBytes = this.#families.counter({
    name: "chatd_uploaded_bytes_total",
    help: "Bytes of completely uploaded files.",
  });
  readonly #uploadedFiles = this.#families.counter({
    name: "chatd_uploaded_files_total",
    help: "Completely uploaded files.",
  });
  readonly #loopLag = this.#families.histogram({
    name: "chatd_event_loop_lag_seconds",
    help: "Lag of the event loop, measured ten times a second.",
    bounds: fromMilliseconds,
  });

  constructor() {
    this.#addState();
    this.#addProcess();
    let due = performance.now() + loopIntervalMs;
    this.#loopTimer = setInterval(() => {
      const now = performance.now();
      this.#loopLag.observe(Math.max(0, now - due) / 1_000);
      due = now + loopIntervalMs;
    }, loopIntervalMs);
  }

  /** Adds the state of the server to the metrics. */
  watch(watched: Watched): void {
    this.#watched = watched;
    for (const { name } of watched.transports) this.#sessions.add(0, { transport: name });
  }

  /** Reads values that need asynchronous calls, for the next {@link text}. */
  async refresh(): Promise<void> {
    this.#free = await this.#watched?.freeBytes().catch(() => undefined);
  }

  text(): string {
    return this.#families.text();
  }

  sessionBegan(transport: string): void {
    this.#sessions.add(1, { transport });
  }

  sessionEnded(transport: string, reason: ChatErrorCode | undefined): void {
    this.#sessions.add(-1, { transport });
    this.#sessionsEnded.add(1, { transport, reason: reason ?? "left" });
  }

  committed({ messages, events, changes, seconds }: Commit): void {
    this.#messages.add(messages);
    this.#events.add(events);
    this.#commitDuration.observe(seconds);
    this.#commitChanges.observe(changes);
  }

  delivered(acceptedAt: number): void {
    this.#deliveryLag.observe(Math.max(0, Date.now() - acceptedAt) / 1_000);
  }

  refused(transport: string, code: ChatErrorCode): void {
    this.#refused.add(1, { transport, code });
  }

  loggedIn(way: LoginWay, outcome: "accepted" | ChatErrorCode): void {
    this.#logins.add(1, { way, outcome });
  }

  uploaded(bytes: number): void {
    this.#uploadedBytes.add(bytes);
    this.#uploadedFiles.add(1);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#loopTimer);
  }

  #addState(): void {
    const families = this.#families;
    const transports = () => this.#watched?.transports ?? [];
    families.observed("gauge", {
      name: "chatd_info",
      help: "Always 1; the labels are the versions of chatd and Deno.",
      values: () => [{ labels: { version, deno: Deno.version.deno }, value: 1 }],
    });
    families.observed("gauge", {
      name: "chatd_serving",
      help: "1 while this server serves, 0 while it starts, or stands by because another node serves.",
      values: () => [{ value: this.#watched === undefined ? 0 : 1 }],
    });
    this.#addLease();
    families.observed("gauge", {
      name: "chatd_transport_up",
      help: "1 while clients are served over the transport, else 0.",
      values: () => transports().map(({ name, isUp }) => ({ labels: { transport: name }, value: isUp ? 1 : 0 })),
    });
    families.observed("gauge", {
      name: "chatd_transport_blocked",
      help: "1 while the broker blocks publishing for lack of memory or disk, else 0.",
      values: () =>
        transports().flatMap(({ name, isBlocked }) =>
          isBlocked === undefined ? [] : [{ labels: { transport: name }, value: isBlocked ? 1 : 0 }]
        ),
    });
    families.observed("gauge", {
      name: "chatd_connections",
      help: "Open connections of clients to this process.",
      values: () =>
        transports().flatMap(({ name, connections }) =>
          connections === undefined ? [] : [{ labels: { transport: name }, value: connections }]
        ),
    });
    families.observed("gauge", {
      name: "chatd_certificate_days_left",
      help: "Days until a certificate in use expires; negative afterwards.",
      values: () =>
        (this.#watched?.certificates() ?? []).map((certificate) => ({
          labels: { use: certificate.use },
          value: daysLeft(certificate),
        })),
    });
    families.observed("gauge", {
      name: "chatd_search_lag_entries",
      help: "Entries of the log that are not in the search index yet.",
      values: () => [{ value: this.#watched?.searchLag() ?? 0 }],
    });
    families.observed("gauge", {
      name: "chatd_database_bytes",
      help: "Size of the database's file.",
      values: () => [{ value: this.#watched?.fileBytes().database ?? 0 }],
    });
    families.observed("gauge", {
      name: "chatd_write_ahead_log_bytes",
      help: "Size of the database's write-ahead log; it grows while a reader keeps it from being emptied.",
      values: () => [{ value: this.#watched?.fileBytes().log ?? 0 }],
    });
    families.observed("gauge", {
      name: "chatd_disk_free_bytes",
      help: "Free bytes on the disk of the data folder; absent without the permission --allow-sys=statfs.",
      values: () => this.#free === undefined ? [] : [{ value: this.#free }],
    });
    families.observed("counter", {
      name: "chatd_log_lines_dropped_total",
      help: "Log lines that were dropped because stderr was not read in time.",
      values: () => [{ value: this.#watched?.droppedLines() ?? 0 }],
    });
  }

  /** Adds metrics of the lease. Only a node that serves from a database has these values. */
  #addLease(): void {
    const values = (value: "generation" | "ageSeconds") => () => {
      const lease = this.#watched?.lease;
      if (lease === undefined) return [];
      return [{ value: value === "generation" ? lease.generation : lease.ageMs / 1_000 }];
    };
    this.#families.observed("gauge", {
      name: "chatd_lease_generation",
      help: "The number of times that a process took the lease of the database.",
      values: values("generation"),
    });
    this.#families.observed("gauge", {
      name: "chatd_lease_age_seconds",
      help: "Time since the lease of the database was renewed; it is lost after 10 s.",
      values: values("ageSeconds"),
    });
  }

  /** Adds metrics of the process, with the names that Prometheus clients use. */
  #addProcess(): void {
    const startedAt = (Date.now() - performance.now()) / 1_000;
    const families = this.#families;
    families.observed("gauge", {
      name: "process_start_time_seconds",
      help: "Start time of the process since the Unix epoch, in seconds.",
      values: () => [{ value: startedAt }],
    });
    families.observed("counter", {
      name: "process_cpu_seconds_total",
      help: "CPU time that the process has used.",
      values: () => {
        const { user, system } = process.cpuUsage();
        return [{ value: (user + system) / 1e6 }];
      },
    });
    families.observed("gauge", {
      name: "process_resident_memory_bytes",
      help: "Resident memory of the process.",
      values: () => [{ value: Deno.memoryUsage().rss }],
    });
    families.observed("gauge", {
      name: "process_heap_bytes",
      help: "Used heap of JavaScript.",
      values: () => [{ value: Deno.memoryUsage().heapUsed }],
    });
  }
}
