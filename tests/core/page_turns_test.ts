import assert from "node:assert/strict";
import { ChatError } from "../../src/core/chat_error.ts";
import { PageTurns, type Turn } from "../../src/core/page_turns.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { turns } from "../support/waiting/turns.ts";

/** Pages that note each of their slices; rests end when a test says so. */
class NotedPages {
  readonly slices: string[] = [];
  readonly turns = new PageTurns({
    defer: setImmediate,
    rest: (callback) => this.#resting = callback,
    sliceMs: 0,
    shortestRestMs: 0,
  });
  #resting: (() => void) | undefined;

  make(user: string, name: string, slices: number): Promise<void> {
    return this.turns.run(user, async (turn: Turn) => {
      for (let slice = 1; slice <= slices; slice++) {
        if (slice > 1) await turn.next();
        this.slices.push(`${name} ${slice}`);
      }
    });
  }

  /** Lets the next slice begin. */
  async endRest(): Promise<void> {
    await turns(3);
    this.#resting?.();
    this.#resting = undefined;
    await turns(3);
  }
}

Deno.test("pages of different users take turns, a slice each, and those of one user come one after the other", async () => {
  const pages = new NotedPages();
  const all = Promise.all([
    pages.make("mallory", "first", 3),
    pages.make("mallory", "second", 1),
    pages.make("ana", "small", 1),
    pages.make("ben", "large", 2),
  ]);
  await turns(3);
  assert.deepEqual(pages.slices, ["first 1"], "nothing begins while others have their turn");
  for (let rest = 0; rest < 8; rest++) await pages.endRest();
  await all;
  assert.deepEqual(pages.slices, ["first 1", "small 1", "large 1", "first 2", "large 2", "first 3", "second 1"]);
});

Deno.test("128 pages of a user wait at once, one more is refused, and others are not", async () => {
  const pages = new PageTurns({ defer: setImmediate });
  const all = Array.from({ length: 128 }, (_, count) => pages.run("mallory", () => Promise.resolve(count)));
  await rejectsWith("busy", pages.run("mallory", () => Promise.resolve(-1)));
  assert.equal(await pages.run("ana", () => Promise.resolve(-2)), -2);
  assert.deepEqual(await Promise.all(all), Array.from({ length: 128 }, (_, count) => count));
  assert.equal(await pages.run("mallory", () => Promise.resolve(-3)), -3);
  await pages.close(new ChatError("unavailable", "The test is over."));
});

Deno.test("a page that fails leaves the next one its turn", async () => {
  const pages = new NotedPages();
  const failed = pages.turns.run("ana", () => Promise.reject(new Error("no such table")));
  const next = pages.make("ana", "next", 1);
  await assert.rejects(failed, /no such table/);
  await pages.endRest();
  await next;
  assert.deepEqual(pages.slices, ["next 1"]);
  await pages.endRest();
});

Deno.test("close() refuses pages that wait and those that come later", async () => {
  const pages = new NotedPages();
  const [running, waiting] = [pages.make("ana", "running", 2), pages.make("ben", "waiting", 1)];
  await turns(3);
  const closed = pages.turns.close(new ChatError("unavailable", "The server is shutting down."));
  for (const refused of [running, waiting, pages.make("cleo", "late", 1)]) await rejectsWith("unavailable", refused);
  await pages.endRest();
  await closed;
  assert.deepEqual(pages.slices, ["running 1"]);
});

Deno.test("a page that is not wanted any more leaves the queue at once, and takes no turn", async () => {
  const pages = new NotedPages();
  const first = pages.make("ana", "first", 1);
  const unwanted = new AbortController();
  const begun: string[] = [];
  const waits = ["ben", "ben", "cleo"].map((user) =>
    pages.turns.run(user, () => Promise.resolve(begun.push(user)), unwanted)
  );
  const last = pages.make("dan", "last", 1);
  await turns(3);
  unwanted.abort(new ChatError("unavailable", "The reader has left."));
  await Promise.all(waits.map((page) => rejectsWith("unavailable", page)));
  await pages.endRest();
  await Promise.all([first, last]);
  assert.deepEqual([pages.slices, begun], [["first 1", "last 1"], []]);
});

Deno.test("a page that had all its turns leaves nothing at its signal", async () => {
  const pages = new NotedPages();
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const running = pages.make("ana", "running", 1);
  const waiting = pages.turns.run("ben", (turn) => turn.next(), { signal });
  await turns(3);
  assert.equal(listeners, 1);
  for (let rest = 0; rest < 4; rest++) await pages.endRest();
  await Promise.all([running, waiting]);
  assert.equal(listeners, 0);
});
