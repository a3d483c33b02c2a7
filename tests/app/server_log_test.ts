import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { formatAsJson, formatForPeople, openServerLog } from "../../src/app/server_log.ts";

function record(rawMessage: string, properties: Record<string, unknown> = {}): LogRecord {
  const timestamp = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  return { category: ["chatd"], level: "warning", message: [rawMessage], rawMessage, timestamp, properties };
}

const hostile = "an\u001b[2Ja\nforged\u009b\u202e\u{e0041}";
// deno-lint-ignore no-control-regex -- what must not be there
const raw = /[\u0000-\u001f\u007f-\u009f\u202e\u{e0041}]/u;

/** What is written on stderr while `act` runs. */
function written(act: () => void): string[] {
  const { error } = console;
  const lines: string[] = [];
  console.error = (line: string) => void lines.push(line);
  try {
    act();
  } finally {
    console.error = error;
  }
  return lines;
}

Deno.test("for people, an event is one line with its time, level, words and details", () => {
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

Deno.test("what clients chose neither forges lines nor reaches a terminal raw, in either format", () => {
  const properties = { user: hostile, error: new Error(hostile) };
  const json = formatAsJson(record("login failed", properties));
  assert.doesNotMatch(json, raw);
  assert.equal(JSON.parse(json).properties.user, hostile);
  const text = formatForPeople(record("login failed", { user: hostile }));
  assert.doesNotMatch(text, raw);
  // Stacks have lines.
  assert.doesNotMatch(formatForPeople(record("failed", { error: new Error(hostile) })).replaceAll("\n", ""), raw);
});

Deno.test("an event is written from its level up, in the words that it has", () => {
  const lines = written(() => {
    const log = openServerLog({ level: "warn", format: "json" });
    log.info("not this");
    log.warn("{user} 100%", { user: "ana" });
    log.error("and this");
  });
  assert.deepEqual(lines.map((line) => JSON.parse(line)).map(({ level, message }) => [level, message]), [
    ["WARN", "{user} 100%"],
    ["ERROR", "and this"],
  ]);
  const [line] = written(() => openServerLog({ level: "info", format: "text" }).info("hello", { to: "ben" }));
  assert.match(line, /^\S+Z info hello to=ben$/);
});

Deno.test("details that JSON has no words for do not break what logs them", () => {
  const circle: Record<string, unknown> = { many: 2n ** 64n };
  circle.itself = circle;
  for (const format of ["text", "json"] as const) {
    const [line] = written(() => openServerLog({ level: "info", format }).info("odd", { circle }));
    assert.match(line, /odd/);
  }
});
