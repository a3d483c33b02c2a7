import assert from "node:assert/strict";
import { keepServing, type OpenServer } from "../../src/app/keep_serving.ts";
import { ChatError, type ChatErrorCode } from "../../src/core/chat_error.ts";
import type { Log } from "../../src/core/log.ts";
import { until } from "../support/servers/person.ts";

/** The results of opening, in turn: a server, or an error with this code. */
class Opener {
  readonly asked: boolean[] = [];
  readonly logged: string[] = [];
  readonly servers: { fail(code: ChatErrorCode): void; closed: boolean }[] = [];
  readonly log: Log;
  readonly #answers: (ChatErrorCode | "serves")[];

  constructor(...answers: (ChatErrorCode | "serves")[]) {
    this.#answers = answers;
    const write = (level: string) => (event: string) => void this.logged.push(`${level} ${event}`);
    this.log = { info: write("info"), warn: write("warn"), error: write("error") };
  }

  keep({ again = false } = {}): Promise<OpenServer> {
    const backoff = { initialMs: 1, maxMs: 1 };
    return keepServing({ at: "there", log: this.log, again, open: this.#open, backoff, refusedMs: 1 });
  }

  count(pattern: RegExp): number {
    return this.logged.filter((line) => pattern.test(line)).length;
  }

  #open = ({ again }: { again: boolean }): Promise<OpenServer> => {
    this.asked.push(again);
    const answer = this.#answers.shift() ?? "serves";
    if (answer !== "serves") return Promise.reject(new ChatError(answer, `it was ${answer}`));
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {});
    const server = { closed: false, fail: (code: ChatErrorCode) => failed.reject(new ChatError(code, "it ended")) };
    this.servers.push(server);
    const close = () => {
      server.closed = true;
      return Promise.resolve();
    };
    const ready = Promise.resolve();
    return Promise.resolve({
      ready,
      failed: failed.promise,
      get isServing() {
        return !server.closed;
      },
      isBlocked: false,
      stop: () => Promise.resolve(),
      close,
    });
  };
}

const deadlineMs = 0;

Deno.test("keepServing() rejects when its server is refused at the first start", async () => {
  for (const code of ["permission_denied", "already_exists", "unauthenticated"] as const) {
    const opener = new Opener(code);
    await assert.rejects(opener.keep(), { code });
    assert.deepEqual(opener.asked, [false]);
  }
});

Deno.test("keepServing() retries while the server is unavailable, and logs the reason once", async () => {
  const opener = new Opener("unavailable", "unavailable", "unavailable", "serves");
  const kept = await opener.keep();
  await kept.ready;
  assert.deepEqual(opener.asked, [false, true, true, true]);
  assert.deepEqual([opener.count(/^warn transport not available yet/), opener.count(/^info transport serving/)], [
    1,
    1,
  ]);
  await kept.close({ deadlineMs });
  assert.ok(opener.servers[0].closed);
});

Deno.test("keepServing() closes a failed server and retries a later refusal", async () => {
  const opener = new Opener("serves", "permission_denied", "serves");
  const kept = await opener.keep();
  opener.servers[0].fail("unauthenticated");
  await until(() => opener.servers.length === 2);
  assert.deepEqual(opener.servers.map(({ closed }) => closed), [true, false]);
  assert.deepEqual(opener.asked, [false, true, true]);
  assert.equal(opener.count(/^error transport refused/), 2);
  await kept.close({ deadlineMs });
});

Deno.test("keepServing() retries all failures in a process that replaces an earlier one", async () => {
  const opener = new Opener("permission_denied", "already_exists", "serves");
  const kept = await opener.keep({ again: true });
  await kept.ready;
  assert.deepEqual(opener.asked, [true, true, true]);
  await kept.close({ deadlineMs });
});

Deno.test("keepServing() opens no server after it was stopped", async () => {
  const opener = new Opener("unavailable");
  const backoff = { initialMs: 3_600_000, maxMs: 3_600_000 };
  const failing = () => Promise.reject(new ChatError("unavailable", "not there"));
  const kept = await keepServing({ at: "there", log: opener.log, again: false, open: failing, backoff });
  await kept.stop();
  await kept.close({ deadlineMs });
  assert.equal(opener.count(/transport serving/), 0);
});
