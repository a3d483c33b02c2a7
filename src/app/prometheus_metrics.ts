import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ChatErrorCode } from "../core/chat_error.ts";
import type { Commit, LoginWay, Metrics } from "../core/metrics.ts";
import { version } from "./version.ts";

/** What is looked at when metrics are asked for. */
export interface Watched {
  readonly transports: readonly { readonly name: string; readonly isUp: boolean; readonly connections?: number }[];
  /** How many entries of the log searches do not find yet. */
  searchLag(): number;
}

const fromMicroseconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const fromMilliseconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const changes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000];
/** How often the event loop is asked how late it is, in milliseconds. */
const loopIntervalMs = 100;

/** Counts for Prometheus: https://prometheus.io/docs/practices/naming/. Owned by its maker, who closes it. */
export class PrometheusMetrics implements Metrics, Disposable {
  readonly #registry = new Registry();
  readonly #registers = [this.#registry];
  readonly #loopTimer: ReturnType<typeof setInterval>;
  #watched: Watched | undefined;

  readonly #sessions = new Gauge({
    name: "chatd_sessions",
    help: "Live sessions.",
    labelNames: ["transport"],
    registers: this.#registers,
  });
  readonly #sessionsEnded = new Counter({
    name: "chatd_sessions_ended_total",
    help: 'Sessions that ended; the reason is "left" when the client did it.',
    labelNames: ["transport", "reason"],
    registers: this.#registers,
  });
  readonly #messages = new Counter({
    name: "chatd_messages_accepted_total",
    help: "Messages that were accepted, and so are on disk.",
    registers: this.#registers,
  });
  readonly #events = new Counter({
    name: "chatd_events_accepted_total",
    help: "Other entries of conversations that were accepted: edits, reactions, what happened to rooms.",
    registers: this.#registers,
  });
  readonly #deliveryLag = new Histogram({
    name: "chatd_delivery_lag_seconds",
    help: "From accepting an entry to sending it to a session that lived already, for each such session.",
    buckets: fromMilliseconds,
    registers: this.#registers,
  });
  readonly #commitDuration = new Histogram({
    name: "chatd_commit_duration_seconds",
    help: "How long transactions took until they were on disk.",
    buckets: fromMicroseconds,
    registers: this.#registers,
  });
  readonly #commitChanges = new Histogram({
    name: "chatd_commit_changes",
    help: "How much was written in one transaction: messages, other entries and positions of readers.",
    buckets: changes,
    registers: this.#registers,
  });
  readonly #refused = new Counter({
    name: "chatd_requests_refused_total",
    help: "Requests that were answered with an error, by its code.",
    labelNames: ["transport", "code"],
    registers: this.#registers,
  });
  readonly #logins = new Counter({
    name: "chatd_logins_total",
    help: "Logins, registrations and passwords that the broker asked about, by how they ended.",
    labelNames: ["way", "outcome"],
    registers: this.#registers,
  });
  readonly #uploadedBytes = new Counter({
    name: "chatd_uploaded_bytes_total",
    help: "Bytes of files that arrived whole.",
    registers: this.#registers,
  });
  readonly #uploadedFiles = new Counter({
    name: "chatd_uploaded_files_total",
    help: "Files that arrived whole.",
    registers: this.#registers,
  });
  readonly #loopLag = new Histogram({
    name: "chatd_event_loop_lag_seconds",
    help: "How late the process was with a timer, ten times a second.",
    buckets: fromMilliseconds,
    registers: this.#registers,
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

  /** From now on also tells what it sees of this. */
  watch(watched: Watched): void {
    this.#watched = watched;
    for (const { name } of watched.transports) this.#sessions.inc({ transport: name }, 0);
  }

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  sessionBegan(transport: string): void {
    this.#sessions.inc({ transport });
  }

  sessionEnded(transport: string, reason: ChatErrorCode | undefined): void {
    this.#sessions.dec({ transport });
    this.#sessionsEnded.inc({ transport, reason: reason ?? "left" });
  }

  committed({ messages, events, changes, seconds }: Commit): void {
    this.#messages.inc(messages);
    this.#events.inc(events);
    this.#commitDuration.observe(seconds);
    this.#commitChanges.observe(changes);
  }

  delivered(acceptedAt: number): void {
    this.#deliveryLag.observe(Math.max(0, Date.now() - acceptedAt) / 1_000);
  }

  refused(transport: string, code: ChatErrorCode): void {
    this.#refused.inc({ transport, code });
  }

  loggedIn(way: LoginWay, outcome: "accepted" | ChatErrorCode): void {
    this.#logins.inc({ way, outcome });
  }

  uploaded(bytes: number): void {
    this.#uploadedBytes.inc(bytes);
    this.#uploadedFiles.inc();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#loopTimer);
    this.#registry.clear();
  }

  #addState(): void {
    this.#gauge("chatd_info", "1, with what runs here.", ["version", "deno"], (gauge) => {
      gauge.set({ version, deno: Deno.version.deno }, 1);
    });
    this.#gauge("chatd_transport_up", "Whether clients are served over it now.", ["transport"], (gauge) => {
      for (const { name, isUp } of this.#watched?.transports ?? []) gauge.set({ transport: name }, isUp ? 1 : 0);
    });
    this.#gauge(
      "chatd_connections",
      "Connections of clients that are open to this process.",
      ["transport"],
      (gauge) => {
        for (const { name, connections } of this.#watched?.transports ?? []) {
          if (connections !== undefined) gauge.set({ transport: name }, connections);
        }
      },
    );
    this.#gauge("chatd_search_lag_entries", "Entries of the log that searches do not find yet.", [], (gauge) => {
      gauge.set(this.#watched?.searchLag() ?? 0);
    });
  }

  /** With the names that others give to the same; what prom-client brings would read /proc, for which Deno wants every permission. */
  #addProcess(): void {
    const startedAt = (Date.now() - performance.now()) / 1_000;
    this.#gauge("process_start_time_seconds", "When the process began, since the Unix epoch.", [], (gauge) => {
      gauge.set(startedAt);
    });
    this.#gauge("process_resident_memory_bytes", "Memory that the process has.", [], (gauge) => {
      gauge.set(Deno.memoryUsage().rss);
    });
    this.#gauge("process_heap_bytes", "Memory in use by JavaScript.", [], (gauge) => {
      gauge.set(Deno.memoryUsage().heapUsed);
    });
    new Counter({
      name: "process_cpu_seconds_total",
      help: "Time of processors that the process has used.",
      registers: this.#registers,
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    look: (gauge: Gauge<Label>) => void,
  ): void {
    new Gauge<Label>({
      name,
      help,
      labelNames: [...labelNames],
      registers: this.#registers,
      collect() {
        look(this);
      },
    });
  }
}
