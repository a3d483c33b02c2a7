import assert from "node:assert/strict";
import { FileTransfer } from "../../src/client/file_transfer.ts";
import type { FileLink } from "../../src/client/file_transport.ts";
import { systemTimers } from "../../src/client/timers.ts";
import { maxChunkBytes } from "../../src/core/files/files.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { BeginUploadRequest } from "../../src/gen/chatd/v1/files.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { randomBytes, sha256Of, sourceOf } from "../support/checks/files.ts";
import type { LinkClient } from "../support/servers/link_client.ts";
import type { RequestKind } from "../support/servers/received_frames.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { type DefineTest, register, type TransportServer, type TransportTest } from "./transport_harness.ts";

/** Somebody with a session, and a way to files. */
interface Member {
  readonly token: string;
  readonly client: LinkClient;
  readonly transfer: FileTransfer;
}

async function member(server: TransportServer, session: TransportTest["session"], user: string): Promise<Member> {
  const { token } = await register(server, user);
  const { transport } = server;
  const transfer = new FileTransfer({ transport, token: () => token, timers: systemTimers });
  return { token, client: await session(token), transfer };
}

async function announcementOf(bytes: Uint8Array, rest: Partial<BeginUploadRequest> = {}): Promise<BeginUploadRequest> {
  const sha256 = await sha256Of(bytes);
  return { id: createMessageId(), name: "notes.txt", mediaType: "text/plain", size: bytes.length, sha256, ...rest };
}

/** What `ask` does with calls, over a connection of its own. */
async function withFiles<T>(server: TransportServer, token: string, ask: (link: FileLink) => Promise<T>): Promise<T> {
  const link = await server.transport.openFiles({ token });
  try {
    return await ask(link);
  } finally {
    await link.close();
  }
}

function sendOf(to: string, uploadId: string, { text = "", id = createMessageId() } = {}): RequestKind {
  return { $case: "send", value: { to, id, text, replyToSeq: 0, uploadId, automatic: false } };
}

async function send(client: LinkClient, to: string, uploadId: string, text = ""): Promise<number> {
  const { value } = sendOf(to, uploadId, { text }) as RequestKind & { $case: "send" };
  return (await client.ask("send", value)).seq;
}

async function download({ transfer }: Member, address: string, seq: number, bytes: Uint8Array): Promise<Uint8Array> {
  const taken: number[] = [];
  const sink = { write: (chunk: Uint8Array) => Promise.resolve(void taken.push(...chunk)) };
  const attachment = {
    name: "notes.txt",
    mediaType: "text/plain",
    size: bytes.length,
    sha256: (await sha256Of(bytes)).toHex(),
  };
  await transfer.download({ with: address, seq, attachment }, sink);
  return new Uint8Array(taken);
}

const bytes = new TextEncoder().encode("what ana wrote down");

/** Files: how they come, who gets them, and what nobody learns. */
export function transportFiles(test: DefineTest): void {
  test("a file is uploaded, sent, seen by its name and downloaded by both", async ({ server, session }) => {
    const [ana, ben] = [await member(server, session, "ana"), await member(server, session, "ben")];
    const content = randomBytes(5 * maxChunkBytes + 7);
    const { uploadId } = await ana.transfer.upload(sourceOf(content));
    const seq = await send(ana.client, "ben", uploadId);
    await ben.client.received(1);
    const attachment = {
      name: "notes.txt",
      mediaType: "text/plain",
      size: content.length,
      sha256: Buffer.from(await sha256Of(content)),
    };
    const [message] = ben.client.messages;
    assert.equal(message.text, "");
    assert.deepEqual(
      message.attachment && { ...message.attachment, sha256: Buffer.from(message.attachment.sha256) },
      attachment,
    );
    const history = await ana.client.ask("history", {
      with: "ben",
      beforeSeq: 0,
      limit: 0,
      afterSeq: 0,
      fromMs: 0,
      events: false,
    });
    assert.equal(history.messages[0].attachment?.name, "notes.txt");
    assert.deepEqual(await download(ben, "ana", seq, content), content);
    assert.deepEqual(await download(ana, "ben", seq, content), content);
  });

  test("an upload goes on where it was when the server comes back", async ({ server, session }) => {
    const ana = await member(server, session, "ana");
    await register(server, "ben");
    const content = randomBytes(2 * maxChunkBytes);
    const announcement = await announcementOf(content);
    const { id } = announcement;
    await withFiles(server, ana.token, async (link) => {
      assert.deepEqual(await link.beginUpload(announcement), { offset: 0 });
      const first = { id, offset: 0, bytes: content.slice(0, maxChunkBytes) };
      assert.deepEqual(await link.uploadChunk(first), { offset: maxChunkBytes });
      await server.stop("abruptly");
      await rejectsWith("unavailable", link.uploadChunk(first));
    });
    await server.start();
    await withFiles(server, ana.token, async (link) => {
      assert.deepEqual(await link.beginUpload(announcement), { offset: maxChunkBytes });
      const last = { id, offset: maxChunkBytes, bytes: content.slice(maxChunkBytes) };
      assert.deepEqual(await link.uploadChunk(last), { offset: content.length });
    });
    const again = await session(ana.token);
    const seq = await send(again, "ben", id);
    assert.deepEqual(await download(ana, "ben", seq, content), content);
  });

  test("who is not in a conversation learns nothing of its files", async ({ server, session }) => {
    const [ana, cleo] = [await member(server, session, "ana"), await member(server, session, "cleo")];
    await register(server, "ben");
    const room = (await ana.client.ask("createRoom", {
      id: createMessageId(),
      name: "secret",
      public: false,
      historyVisible: true,
    })).room!;
    const { uploadId } = await ana.transfer.upload(sourceOf(bytes));
    const seq = await send(ana.client, room.id, uploadId, "look");
    const inPrivate = await ana.transfer.upload(sourceOf(bytes));
    const direct = await send(ana.client, "ben", inPrivate.uploadId);
    await withFiles(server, cleo.token, async (link) => {
      const unknownRoom = `+${"a".repeat(26)}`;
      const ask = (address: string, seq: number) => link.readChunk({ with: address, seq, offset: 0 });
      const there = await rejectsWith("not_found", ask(room.id, seq));
      const nowhere = await rejectsWith("not_found", ask(unknownRoom, seq));
      assert.equal(there.message.replace(room.id, unknownRoom), nowhere.message);
      for (const address of ["ana", "ben"]) await rejectsWith("not_found", ask(address, direct));
      // Another's upload is one that does not exist, and a content that is there is announced like any other.
      const foreign = await rejectsWith("not_found", link.uploadChunk({ id: uploadId, offset: 0, bytes }));
      const id = createMessageId();
      const unknown = await rejectsWith("not_found", link.uploadChunk({ id, offset: 0, bytes }));
      assert.equal(foreign.message.replace(uploadId, id), unknown.message);
      assert.deepEqual(await link.beginUpload(await announcementOf(bytes)), { offset: 0 });
    });
    assert.equal(await cleo.client.refusal(sendOf("ana", uploadId)), "not_found");
    assert.equal(await cleo.client.refusal(sendOf("ana", createMessageId())), "not_found");
  });

  test("who was removed from a room reads the files of before, and none of after", async ({ server, session }) => {
    const [ana, ben] = [await member(server, session, "ana"), await member(server, session, "ben")];
    const create = { id: createMessageId(), name: "ops", public: true, historyVisible: false };
    const room = (await ana.client.ask("createRoom", create)).room!;
    const put = async () => await send(ana.client, room.id, (await ana.transfer.upload(sourceOf(bytes))).uploadId);
    const early = await put();
    await ben.client.ask("joinRoom", { room: "#ops", id: createMessageId() });
    const during = await put();
    await ana.client.ask("removeMember", { room: room.id, id: createMessageId(), user: "ben", ban: true });
    const late = await put();
    assert.deepEqual(await download(ben, room.id, during, bytes), bytes);
    await withFiles(server, ben.token, async (link) => {
      const words = new Set<string>();
      for (const seq of [early, late, 99]) {
        const { message } = await rejectsWith("permission_denied", link.readChunk({ with: room.id, seq, offset: 0 }));
        words.add(message);
      }
      assert.equal(words.size, 1);
    });
  });

  test("a message that is deleted takes its file along, from the disk too", async ({ server, session }) => {
    const [ana, ben] = [await member(server, session, "ana"), await member(server, session, "ben")];
    const { uploadId, attachment: { sha256 } } = await ana.transfer.upload(sourceOf(bytes));
    const seq = await send(ana.client, "ben", uploadId, "look");
    assert.deepEqual(await download(ben, "ana", seq, bytes), bytes);
    assert.ok(await server.hasContent(sha256));
    await ana.client.ask("delete", { to: "ben", seq, id: createMessageId() });
    await withFiles(server, ben.token, async (link) => {
      await rejectsWith("not_found", link.readChunk({ with: "ana", seq, offset: 0 }));
    });
    await eventually(async () => !await server.hasContent(sha256), () => "the content is removed");
  });

  test("one upload is the file of one message, which is sent once", async ({ server, session }) => {
    const ana = await member(server, session, "ana");
    await register(server, "ben");
    const [one, other] = [await ana.transfer.upload(sourceOf(bytes)), await ana.transfer.upload(sourceOf(bytes))];
    const id = createMessageId();
    const request = sendOf("ben", one.uploadId, { id }) as RequestKind & { $case: "send" };
    const first = await ana.client.ask("send", request.value);
    assert.deepEqual(await ana.client.ask("send", request.value), { ...first, duplicate: true });
    assert.equal(await ana.client.refusal(sendOf("ben", other.uploadId, { id })), "message_id_conflict");
    assert.equal(await ana.client.refusal(sendOf("ben", "", { id, text: "x" })), "message_id_conflict");
    assert.equal(await ana.client.refusal(sendOf("ben", one.uploadId)), "not_found");
    assert.equal(await ana.client.refusal(sendOf("ben", "not an id")), "invalid_argument");
    await send(ana.client, "ben", other.uploadId);
    assert.equal(server.chat.head, 2);
  });

  test("what is not what was announced, too large or malformed is refused, and others go on", async ({ server, session }) => {
    const ana = await member(server, session, "ana");
    await register(server, "ben");
    await withFiles(server, ana.token, async (link) => {
      const announcement = await announcementOf(bytes);
      const { id } = announcement;
      await link.beginUpload(announcement);
      assert.equal(await ana.client.refusal(sendOf("ben", id)), "not_found");
      const wrong = new Uint8Array(bytes.length);
      await rejectsWith("invalid_argument", link.uploadChunk({ id, offset: 0, bytes: wrong }));
      assert.equal(await ana.client.refusal(sendOf("ben", id)), "not_found");
      assert.deepEqual(await link.beginUpload(announcement), { offset: 0 });
      const changes: [string, Partial<BeginUploadRequest>][] = [
        ["limit_reached", { size: 10 * 1024 * 1024 + 1 }],
        ["limit_reached", { size: Number.MAX_SAFE_INTEGER }],
        ["invalid_argument", { size: 0 }],
        ["invalid_argument", { id: "../../etc/passwd" }],
        ["invalid_argument", { sha256: new Uint8Array(20) }],
        ["invalid_argument", { mediaType: "text/plain\r\nx: y" }],
        ["message_id_conflict", { id, name: "another.txt" }],
      ];
      for (const name of ["../secret", "a/b", "..", "", "a\u202Eb", "a\nb", "x".repeat(300)]) {
        changes.push(["invalid_argument", { name }]);
      }
      for (const [code, change] of changes) {
        await rejectsWith(code as "invalid_argument", link.beginUpload({ ...await announcementOf(bytes), ...change }));
      }
      const none = new Uint8Array();
      const chunks = [
        { offset: 0, bytes: none },
        { offset: 0, bytes: randomBytes(maxChunkBytes + 1) },
        { offset: Number.MAX_SAFE_INTEGER, bytes },
      ];
      for (const chunk of chunks) await rejectsWith("invalid_argument", link.uploadChunk({ id, ...chunk }));
      await rejectsWith("not_found", link.readChunk({ with: "ben", seq: Number.MAX_SAFE_INTEGER, offset: 0 }));
      assert.deepEqual(await link.uploadChunk({ id, offset: 7, bytes: bytes.slice(7) }), { offset: 0 });
      assert.deepEqual(await link.uploadChunk({ id, offset: 0, bytes }), { offset: bytes.length });
      const seq = await send(ana.client, "ben", id);
      await rejectsWith("invalid_argument", link.readChunk({ with: "ben", seq, offset: bytes.length + 1 }));
      assert.deepEqual(await download(ana, "ben", seq, bytes), bytes);
    });
  });

  test("without a token that is good there are no files", async ({ server, session }) => {
    const ana = await member(server, session, "ana");
    await server.chat.accounts.disable("ana");
    const asked = withFiles(server, ana.token, async (link) => await link.beginUpload(await announcementOf(bytes)));
    await rejectsWith("unauthenticated", asked);
  });
}
