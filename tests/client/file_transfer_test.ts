import assert from "node:assert/strict";
import { type FileSource, FileTransfer } from "../../src/client/file_transfer.ts";
import type { FileLink, FileTransport } from "../../src/client/file_transport.ts";
import { systemTimers } from "../../src/client/timers.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import { Files, maxChunkBytes } from "../../src/core/files/files.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Attachment } from "../../src/core/messages/message.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { randomBytes, sourceOf } from "../support/checks/files.ts";
import { MemoryFiles } from "../support/fakes/memory_files.ts";

type Call = keyof Omit<FileLink, "close">;

interface FakeOptions {
  /** Called before each call. A thrown error replaces the answer, and ends the connection unless it is `rate_limited`. */
  fail?(call: Call, count: number): ChatError | undefined;
  /** Loses the connection after the call, with its answer. */
  loseAnswer?(call: Call, count: number): boolean;
}

/** A server's FileService in the same process, over connections that break. */
class FakeService implements FileTransport {
  readonly store = new MemoryFiles();
  readonly messages = new Map<number, Attachment>();
  readonly tokens: string[] = [];
  readonly calls: Call[] = [];
  open = 0;
  readonly #files: Files;
  readonly #options: FakeOptions;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.#files = new Files({
      store: this.store,
      clock: new FakeClock(),
      log: silentLog,
      limits: { maxFileBytes: 1e9, uploadQuotaBytes: 1e9, maxDiskBytes: undefined },
      attachmentOf: (_user, { seq }) => Promise.resolve(this.messages.get(seq)),
    });
  }

  openFiles({ token }: { token: string }): Promise<FileLink> {
    this.tokens.push(token);
    this.open++;
    let lost: ChatError | undefined;
    const call = async <T>(name: Call, run: () => Promise<T>): Promise<T> => {
      if (lost) throw lost;
      this.calls.push(name);
      const failure = this.#options.fail?.(name, this.calls.length);
      if (failure?.code !== "rate_limited") lost = failure;
      if (failure) throw failure;
      const answer = await run();
      if (this.#options.loseAnswer?.(name, this.calls.length)) lost = new ChatError("unavailable", "lost");
      if (lost) throw lost;
      return answer;
    };
    return Promise.resolve({
      beginUpload: (request) => call("beginUpload", () => this.#files.begin("ana", request)),
      uploadChunk: (request) => call("uploadChunk", () => this.#files.write("ana", request)),
      readChunk: (request) => call("readChunk", () => this.#files.read("ben", request)),
      close: () => {
        this.open--;
        lost ??= new ChatError("unavailable", "closed");
        return Promise.resolve();
      },
    });
  }

  /** Makes an upload the file of a message. */
  async send(uploadId: string, seq: number): Promise<Attachment> {
    const attachment = (await this.store.attach(seq, { owner: "ana", id: uploadId }))!;
    this.messages.set(seq, attachment);
    return attachment;
  }
}

function transferTo(transport: FileTransport, token = () => "a token"): FileTransfer {
  return new FileTransfer({ transport, token, timers: systemTimers, backoff: { initialMs: 1, maxMs: 2 } });
}

class Collected {
  readonly bytes: number[] = [];

  write(bytes: Uint8Array): Promise<void> {
    this.bytes.push(...bytes);
    return Promise.resolve();
  }
}

Deno.test("a file goes to the server and back, with progress to its end", async () => {
  const service = new FakeService();
  const bytes = randomBytes(10 * maxChunkBytes + 17);
  const progress: number[] = [];
  const { uploadId, attachment } = await transferTo(service).upload(sourceOf(bytes), {
    onProgress: (done, size) => progress.push(done) && assert.equal(size, bytes.length),
  });
  assert.deepEqual(await service.send(uploadId, 5), attachment);
  assert.deepEqual(progress, progress.toSorted((one, other) => one - other));
  assert.deepEqual([progress[0], progress.at(-1)], [0, bytes.length]);
  const sink = new Collected();
  await transferTo(service).download({ with: "ana", seq: 5, attachment }, sink);
  assert.deepEqual(new Uint8Array(sink.bytes), bytes);
  assert.equal(service.open, 0);
});

Deno.test("a transfer resumes after a lost connection, with the token of that time", async () => {
  const isUnlucky = (_call: Call, count: number) => count % 5 === 0;
  const fail = (_call: Call, count: number) =>
    count % 7 === 0 ? new ChatError(count % 2 ? "unavailable" : "rate_limited", "cut") : undefined;
  const service = new FakeService({ loseAnswer: isUnlucky, fail });
  const bytes = randomBytes(20 * maxChunkBytes + 1);
  let opened = 0;
  const transfer = transferTo(service, () => `token ${++opened}`);
  const { uploadId } = await transfer.upload(sourceOf(bytes));
  const attachment = await service.send(uploadId, 1);
  assert.ok(opened > 2);
  const sink = new Collected();
  await transfer.download({ with: "ana", seq: 1, attachment }, sink);
  assert.deepEqual(new Uint8Array(sink.bytes), bytes);
  assert.deepEqual(service.tokens, Array.from({ length: opened }, (_, index) => `token ${index + 1}`));
  const chunks = service.calls.filter((call) => call === "uploadChunk").length;
  assert.ok(chunks < 80, `${chunks} chunks were sent for 21`);
  assert.equal(service.open, 0);
});

Deno.test("a rate limit pauses a transfer, which goes on over the same connection", async () => {
  const fail = (_call: Call, count: number) => count % 6 === 0 ? new ChatError("rate_limited", "wait") : undefined;
  const service = new FakeService({ fail });
  const bytes = randomBytes(20 * maxChunkBytes + 1);
  const { uploadId } = await transferTo(service).upload(sourceOf(bytes));
  const attachment = await service.send(uploadId, 1);
  const sink = new Collected();
  await transferTo(service).download({ with: "ana", seq: 1, attachment }, sink);
  assert.deepEqual(new Uint8Array(sink.bytes), bytes);
  assert.equal(service.tokens.length, 2);
});

Deno.test("a token that is replaced meanwhile does not end the transfer", async () => {
  let current = "the first";
  const fail = (_call: Call, count: number) => {
    if (count === 4) current = "the second";
    return count === 4 ? new ChatError("unauthenticated", "dead") : undefined;
  };
  const service = new FakeService({ fail });
  await transferTo(service, () => current).upload(sourceOf(randomBytes(1e6)));
  assert.deepEqual(service.tokens, ["the first", "the second"]);
});

Deno.test("a cancelled upload resumes when the same file is sent again", async () => {
  const stop = new AbortController();
  const service = new FakeService({
    fail(_call, count) {
      if (count === 12) stop.abort();
      return undefined;
    },
  });
  const bytes = randomBytes(20 * maxChunkBytes);
  const transfer = transferTo(service);
  await rejectsWith("unavailable", transfer.upload(sourceOf(bytes), { signal: stop.signal }));
  const before = service.calls.length;
  const progress: number[] = [];
  const { uploadId } = await transfer.upload(sourceOf(bytes), { onProgress: (done) => progress.push(done) });
  assert.ok(progress[0] > 0 && service.calls.length - before < 20);
  assert.ok(await service.send(uploadId, 1));
  assert.notEqual((await transfer.upload(sourceOf(bytes))).uploadId, uploadId);
});

Deno.test("a refusal for good ends the transfer", async () => {
  for (const code of ["limit_reached", "storage_full", "unauthenticated", "not_found"] as const) {
    const service = new FakeService({ fail: (_call, count) => count === 3 ? new ChatError(code, "no") : undefined });
    await rejectsWith(code, transferTo(service).upload(sourceOf(randomBytes(1e6))));
    assert.equal(service.open, 0);
  }
});

Deno.test("a cancelled transfer ends, also while it waits to connect", async () => {
  const stop = new AbortController();
  const service = new FakeService({
    fail(_call, count) {
      if (count === 3) stop.abort();
      return count > 2 ? new ChatError("unavailable", "cut", { retryAfterMs: 600_000 }) : undefined;
    },
  });
  await rejectsWith("unavailable", transferTo(service).upload(sourceOf(randomBytes(1e6)), { signal: stop.signal }));
  const waiting = new AbortController();
  const gone = new FakeService({ fail: () => new ChatError("unavailable", "cut", { retryAfterMs: 600_000 }) });
  const transfer = transferTo(gone).upload(sourceOf(randomBytes(1)), { signal: waiting.signal });
  setTimeout(() => waiting.abort());
  await rejectsWith("unavailable", transfer);
  assert.deepEqual([service.open, gone.open], [0, 0]);
});

Deno.test("a file that changes during its upload is not sent", async () => {
  const bytes = randomBytes(3 * maxChunkBytes);
  const shrinking = { ...sourceOf(bytes), size: bytes.length + 1 };
  await rejectsWith("invalid_argument", transferTo(new FakeService()).upload(shrinking));
  let reads = 0;
  const changing: FileSource = {
    ...sourceOf(bytes),
    read: (offset, maxBytes) => Promise.resolve(bytes.slice(offset, offset + maxBytes).fill(reads++)),
  };
  const refused = await rejectsWith("invalid_argument", transferTo(new FakeService()).upload(changing));
  assert.match(refused.message, /does not match the announced file/);
});

Deno.test("a download with another content than the message's file fails", async () => {
  const service = new FakeService();
  const { uploadId } = await transferTo(service).upload(sourceOf(randomBytes(1_000)));
  const attachment = await service.send(uploadId, 1);
  for (const wrong of [{ size: 999 }, { size: 1_001 }, { sha256: "ab".repeat(32) }]) {
    const message = { with: "ana", seq: 1, attachment: { ...attachment, ...wrong } };
    await rejectsWith("internal", transferTo(service).download(message, new Collected()));
  }
});

Deno.test("a sink that fails ends the download with its error", async () => {
  const service = new FakeService();
  const { uploadId } = await transferTo(service).upload(sourceOf(randomBytes(1e6)));
  const attachment = await service.send(uploadId, 1);
  const sink = { write: () => Promise.reject(new Error("disk full")) };
  await assert.rejects(transferTo(service).download({ with: "ana", seq: 1, attachment }, sink), /disk full/);
  assert.equal(service.open, 0);
});
