import assert from "node:assert/strict";
import type { FileStore, Upload } from "../../src/core/files/file_store.ts";
import type { Attachment } from "../../src/core/messages/message.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { sha256Of } from "../support/checks/files.ts";
import { contractTests } from "./contract_tests.ts";

/** Which messages have files, as the log keeps it. */
export interface AttachmentLog {
  attach(position: number, upload: { owner: string; id: string }): Promise<Attachment | undefined>;
  at(position: number): Promise<Attachment | undefined>;
  uploadAt(position: number): Promise<string | undefined>;
  removeAt(position: number): Promise<void>;
}

/** Stores with the users ana, ben and cleo, and a log with the positions 1 to 9. */
export interface OpenedFileStore {
  readonly files: FileStore;
  /** Owners are users' names. */
  readonly attachments: AttachmentLog;
  close(): void | Promise<void>;
}

export const quotas = { maxUnfinished: 8, maxBytesOfOwner: 1_000_000, maxDiskBytes: undefined };

/** An announcement of these bytes. */
export async function uploadOf(bytes: Uint8Array, options: Partial<Upload> = {}): Promise<Upload> {
  return {
    owner: "ana",
    id: createMessageId(),
    name: "notes.txt",
    mediaType: "text/plain",
    size: bytes.length,
    sha256: (await sha256Of(bytes)).toHex(),
    begunAt: 1_000,
    ...options,
  };
}

/** Uploads these bytes as a whole. */
export async function complete(
  files: FileStore,
  bytes: Uint8Array,
  options: Partial<Upload> = {},
): Promise<Upload> {
  const upload = await uploadOf(bytes, options);
  assert.equal(await files.add(upload, quotas), "added");
  assert.equal(await files.write(upload, { offset: 0, bytes }), bytes.length);
  assert.equal(await files.finish(upload), true);
  return upload;
}

const bytes = new TextEncoder().encode("what ana wrote down");
const whole = { offset: 0, maxBytes: 100 };

/** What every store of files keeps to. */
export function fileStoreContract(name: string, open: () => Promise<OpenedFileStore>): void {
  const test = contractTests(name, { open, prepare: (opened) => opened });

  test("an upload is found by its owner and id, with how much of it has arrived", async ({ files }) => {
    const upload = await uploadOf(bytes);
    assert.equal(await files.find("ana", upload.id), undefined);
    assert.equal(await files.add(upload, quotas), "added");
    assert.deepEqual(await files.find("ana", upload.id), { ...upload, isComplete: false });
    assert.equal(await files.find("ben", upload.id), undefined);
    assert.equal(await files.received(upload), 0);
    assert.equal(await files.write(upload, { offset: 0, bytes: bytes.subarray(0, 5) }), 5);
    assert.equal(await files.received(upload), 5);
  });

  test("bytes that are not the next ones are left", async ({ files }) => {
    const upload = await uploadOf(bytes);
    await files.add(upload, quotas);
    assert.equal(await files.write(upload, { offset: 3, bytes: bytes.subarray(3) }), 0);
    assert.equal(await files.write(upload, { offset: 0, bytes: bytes.subarray(0, 5) }), 5);
    assert.equal(await files.write(upload, { offset: 0, bytes: bytes.subarray(0, 5) }), 5);
    assert.equal(await files.write(upload, { offset: 3, bytes: bytes.subarray(3) }), 5);
    assert.equal(await files.write(upload, { offset: 5, bytes: bytes.subarray(5) }), bytes.length);
    assert.equal(await files.finish(upload), true);
    assert.deepEqual(await files.read(upload.sha256, whole), bytes);
  });

  test("what is not what was announced is removed", async ({ files }) => {
    const upload = await uploadOf(bytes);
    await files.add(upload, quotas);
    await files.write(upload, { offset: 0, bytes: new Uint8Array(bytes.length) });
    assert.equal(await files.finish(upload), false);
    assert.equal(await files.find("ana", upload.id), undefined);
    assert.equal(await files.received(upload), 0);
    assert.equal(await files.read(upload.sha256, whole), undefined);
  });

  test("a content is read in parts, and there is nothing at its end", async ({ files }) => {
    const { sha256 } = await complete(files, bytes);
    assert.deepEqual(await files.read(sha256, { offset: 5, maxBytes: 3 }), bytes.slice(5, 8));
    assert.deepEqual(await files.read(sha256, { offset: 5, maxBytes: 1_000 }), bytes.slice(5));
    assert.equal((await files.read(sha256, { offset: bytes.length, maxBytes: 1 }))?.length, 0);
    assert.equal(await files.read("ab".repeat(32), whole), undefined);
  });

  test("a complete upload becomes the file of one message, by its owner only", async ({ files, attachments }) => {
    const upload = await complete(files, bytes);
    const { id, name, mediaType, size, sha256 } = upload;
    const unfinished = await uploadOf(bytes);
    await files.add(unfinished, quotas);
    assert.equal(await attachments.attach(1, unfinished), undefined);
    assert.equal(await attachments.attach(1, { owner: "ben", id }), undefined);
    assert.equal(await attachments.at(1), undefined);
    assert.deepEqual(await attachments.attach(1, { owner: "ana", id }), { name, mediaType, size, sha256 });
    assert.deepEqual(await attachments.at(1), { name, mediaType, size, sha256 });
    assert.equal(await attachments.uploadAt(1), id);
    assert.equal(await attachments.attach(2, { owner: "ana", id }), undefined);
    assert.deepEqual(await files.find("ana", id), { ...upload, isComplete: true });
  });

  test("uploads without a message are removed when they are old, sent ones stay", async ({ files, attachments }) => {
    const sent = await complete(files, bytes);
    await attachments.attach(1, sent);
    const unsent = await complete(files, new Uint8Array([1]));
    const unfinished = await uploadOf(bytes);
    await files.add(unfinished, quotas);
    await files.write(unfinished, { offset: 0, bytes: bytes.subarray(0, 3) });
    const young = await complete(files, new Uint8Array([2]), { begunAt: 2_000 });
    assert.equal(await files.removeUnsent(2_000), 2);
    await files.removeUnheld();
    assert.equal(await files.find("ana", unsent.id), undefined);
    assert.equal(await files.find("ana", unfinished.id), undefined);
    assert.equal(await files.received(unfinished), 0);
    assert.equal(await files.read(unsent.sha256, whole), undefined);
    assert.deepEqual(await files.read(sent.sha256, whole), bytes);
    assert.deepEqual(await files.read(young.sha256, whole), new Uint8Array([2]));
  });

  test("a content goes with the last that has it", async ({ files, attachments }) => {
    const [one, other] = [await complete(files, bytes), await complete(files, bytes, { owner: "ben" })];
    await attachments.attach(1, one);
    await attachments.attach(2, other);
    await attachments.removeAt(1);
    await files.removeUnheld();
    assert.equal(await attachments.at(1), undefined);
    assert.equal(await files.find("ana", one.id), undefined);
    assert.deepEqual(await files.read(other.sha256, whole), bytes);
    await attachments.removeAt(2);
    await files.removeUnheld();
    assert.equal(await files.read(other.sha256, whole), undefined);
    const again = await complete(files, bytes);
    await files.removeUnheld();
    assert.deepEqual(await files.read(again.sha256, whole), bytes);
  });

  test("an unfinished upload of the same content holds nothing", async ({ files, attachments }) => {
    const one = await complete(files, bytes);
    await attachments.attach(1, one);
    await files.add(await uploadOf(bytes, { owner: "ben" }), quotas);
    await attachments.removeAt(1);
    await files.removeUnheld();
    assert.equal(await files.read(one.sha256, whole), undefined);
  });

  test("quotas: unfinished uploads of one owner", async ({ files }) => {
    const few = { ...quotas, maxUnfinished: 2 };
    for (const result of ["added", "added", "unfinished"]) {
      assert.equal(await files.add(await uploadOf(bytes), few), result);
    }
    assert.equal(await files.add(await uploadOf(bytes, { owner: "ben" }), few), "added");
    await files.removeUnsent(2_000);
    assert.equal(await files.add(await uploadOf(bytes), few), "added");
  });

  test("the oldest unfinished upload of an owner makes room for others when it is old enough", async ({ files }) => {
    const arrived = await complete(files, bytes, { begunAt: 1 });
    const [other, oldest, younger] = [
      await uploadOf(bytes, { owner: "ben", begunAt: 1 }),
      await uploadOf(bytes, { begunAt: 2 }),
      await uploadOf(bytes, { begunAt: 3 }),
    ];
    for (const upload of [other, oldest, younger]) await files.add(upload, quotas);
    await files.write(oldest, { offset: 0, bytes: bytes.subarray(0, 3) });
    assert.equal(await files.removeUnfinished("ana", 2), false);
    assert.equal(await files.removeUnfinished("ana", 3), true);
    assert.equal(await files.find("ana", oldest.id), undefined);
    assert.equal(await files.removeUnfinished("ana", 3), false);
    for (const upload of [arrived, other, younger]) assert.ok(await files.find(upload.owner, upload.id));
  });

  test("quotas: bytes of one owner, announced or sent, until they are removed", async ({ files, attachments }) => {
    const sent = await complete(files, bytes);
    await attachments.attach(1, sent);
    const room = { ...quotas, maxBytesOfOwner: 20_000 };
    const announced = await uploadOf(bytes, { size: 12_000 });
    assert.equal(await files.add(announced, room), "added");
    assert.equal(await files.add(await uploadOf(bytes), room), "owner_full");
    assert.equal(await files.add(await uploadOf(bytes, { owner: "ben" }), room), "added");
    await attachments.removeAt(1);
    assert.equal(await files.add(await uploadOf(bytes), room), "added");
  });

  test("quotas: bytes on disk, each content once", async ({ files, attachments }) => {
    const large = new Uint8Array(100_000).fill(7);
    const beyond = { ...quotas, maxDiskBytes: 10_000 };
    assert.equal(await files.add(await uploadOf(bytes, { size: 10_001 }), beyond), "disk_full");
    const room = { ...quotas, maxDiskBytes: await files.diskBytes() + 250_000 };
    const one = await complete(files, large);
    await complete(files, large, { owner: "ben" });
    await attachments.attach(1, one);
    assert.equal(await files.add(await uploadOf(bytes, { size: 151_000 }), room), "disk_full");
    assert.equal(await files.add(await uploadOf(bytes, { size: 100_000 }), room), "added");
    assert.equal(await files.add(await uploadOf(bytes, { size: 100_000 }), room), "disk_full");
    await files.removeUnsent(2_000);
    await attachments.removeAt(1);
    await files.removeUnheld();
    assert.equal(await files.add(await uploadOf(bytes, { size: 200_000, owner: "cleo" }), room), "added");
  });

  test("chunks of any length make the content, and parts of any length are read from it", async ({ files }) => {
    const large = new Uint8Array(300_000).map((_, index) => index * 7 + (index >> 8));
    const upload = await uploadOf(large);
    await files.add(upload, quotas);
    const lengths = [1, 49_151, 49_152, 10, 49_153, 100_000, 30_000, 22_533];
    let offset = 0;
    for (const length of lengths) {
      const arrived = await files.write(upload, { offset, bytes: large.subarray(offset, offset + length) });
      assert.equal(arrived, offset += length);
      assert.equal(await files.received(upload), offset);
    }
    assert.equal(await files.finish(upload), true);
    for (const offset of [0, 1, 49_151, 49_152, 98_304, 250_000, 299_999]) {
      for (const maxBytes of [1, 2, 49_152, 50_000]) {
        const part = await files.read(upload.sha256, { offset, maxBytes });
        assert.deepEqual(part, large.slice(offset, offset + maxBytes), `${maxBytes} bytes from ${offset} on`);
      }
    }
  });

  test("users who upload the same content at once all have it", async ({ files }) => {
    const uploads = await Promise.all(["ana", "ben", "cleo"].map((owner) => uploadOf(bytes, { owner })));
    for (const upload of uploads) {
      await files.add(upload, quotas);
      await files.write(upload, { offset: 0, bytes });
    }
    assert.deepEqual(await Promise.all(uploads.map((upload) => files.finish(upload))), [true, true, true]);
    for (const { owner, id } of uploads) assert.equal((await files.find(owner, id))?.isComplete, true);
    await files.removeUnheld();
    assert.deepEqual(await files.read(uploads[0].sha256, whole), bytes);
  });

  test("an upload that was removed takes no bytes and does not become complete", async ({ files }) => {
    const upload = await uploadOf(bytes);
    await files.add(upload, quotas);
    await files.write(upload, { offset: 0, bytes });
    assert.equal(await files.removeUnsent(upload.begunAt + 1), 1);
    await rejectsWith("not_found", files.write(upload, { offset: 0, bytes }));
    await rejectsWith("not_found", files.finish(upload));
    assert.equal(await files.received(upload), 0);
    await complete(files, bytes, upload);
  });
}
