import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import {
  formatAsJson,
  formatForPeople,
  openServerLog,
  type ServerLog,
  type ServerLogOptions,
} from "../../../src/host/logging/server_log.ts";

function record(rawMessage: string, properties: Record<string, unknown> = {}): LogRecord {
  const timestamp = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  return { category: ["chatd"], level: "warning", message: [rawMessage], rawMessage, timestamp, properties };
}

const hostile = "an\u001b[2Ja\nforged\u009b\u202e\u{e0041}";
// deno-lint-ignore no-control-regex -- control characters that must not appear
const raw = /[\u0000-\u001f\u007f-\u009f\u202e\u{e0041}]/u;

/** Returns the lines of the log while `act` runs. */
async function written(
  options: Omit<ServerLogOptions, "sink">,
  act: (log: ServerLog) => void,
): Promise<string[]> {
  let text = "";
  const sink = {
    write(bytes: Uint8Array) {
      text += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
  };
  const log = openServerLog({ ...options, sink });
  act(log);
  await log.flush();
  return text.trimEnd().split("\n");
}

Deno.test("as text, an event is one line with its time, level, event and details", () => {
  const details = { user: "ana", reason: undefined, words: "two words", count: 3 };
  assert.equal(
    formatForPeople(record("session ended", details)),
    '2026-01-02T03:04:05.678Z warn session ended user=ana words="two words" count=3',
  );
});

Deno.test("as JSON, an event is an object in one line", () => {
  const error = new TypeError("it broke", { cause: new Error("why") });
  const line = formatAsJson(record("request failed", { user: "ana", error }));
  const { properties, ...rest } = JSON.parse(line);
  assert.deepEqual(rest, {
    "@timestamp": "2026-01-02T03:04:05.678Z",
    level: "WARN",
    message: "request failed",
    logger: "chatd",
  });
  assert.equal(properties.user, "ana");
  assert.deepEqual([properties.error.name, properties.error.cause.message], ["TypeError", "why"]);
});

Deno.test("names of clients neither forge lines nor reach a terminal raw, in both formats", () => {
  const properties = { user: hostile, error: new Error(hostile) };
  const json = formatAsJson(record("login failed", properties));
  assert.doesNotMatch(json, raw);
  assert.equal(JSON.parse(json).properties.user, hostile);
  const text = formatForPeople(record("login failed", { user: hostile }));
  assert.doesNotMatch(text, raw);
  // Stacks have lines.
  assert.doesNotMatch(formatForPeople(record("failed", { error: new Error(hostile) })).replaceAll("\n", ""), raw);
});

Deno.test("an event is written from its level up, without placeholders replaced", async () => {
  const lines = await written({ level: "warn", format: "json" }, (log) => {
    log.info("not this");
    log.warn("{user} 100%", { user: "ana" });
    log.error("and this");
  });
  assert.deepEqual(lines.map((line) => JSON.parse(line)).map(({ level, message }) => [level, message]), [
    ["WARN", "{user} 100%"],
    ["ERROR", "and this"],
  ]);
  const [line] = await written({ level: "info", format: "text" }, (log) => log.info("hello", { to: "ben" }));
  assert.match(line, /^\S+Z info hello to=ben$/);
});

Deno.test("details that JSON cannot represent do not throw", async () => {
  const circle: Record<string, unknown> = { many: 2n ** 64n };
  circle.itself = circle;
  for (const format of ["text", "json"] as const) {
    const [line] = await written({ level: "info", format }, (log) => log.info("odd", { circle }));
    assert.match(line, /odd/);
  }
});

Deno.test("dropped lines are reported in the log's format, at any level", async () => {
  const detail = "x".repeat(1000);
  for (const format of ["text", "json"] as const) {
    let dropped = 0;
    const lines = await written({ level: "error", format }, (log) => {
      for (let count = 0; count < 2000; count++) log.error("failed", { detail });
      dropped = log.dropped;
    });
    assert.ok(dropped > 0);
    const last = lines.at(-1)!;
    const event = "log lines were dropped: stderr was not read in time";
    if (format === "text") assert.ok(last.endsWith(`Z warn ${event} lines=${dropped}`), last);
    else assert.deepEqual([JSON.parse(last).message, JSON.parse(last).properties], [event, { lines: dropped }]);
    assert.equal(lines.length, 2000 - dropped + 1);
  }
});
