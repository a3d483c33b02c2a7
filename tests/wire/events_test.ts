import assert from "node:assert/strict";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { isRoomEvent } from "../../src/core/messages/log_event.ts";
import { Event, type MemberInvited, Role } from "../../src/gen/chatd/v1/chat.ts";
import { descriptorsBase64 } from "../../src/gen/descriptors.ts";
import { fromWireEvent, toWireEvent } from "../../src/wire/events.ts";
import { sampleEvents } from "../support/servers/sample_events.ts";

Deno.test("an event of each kind is the same after the wire", () => {
  for (const event of sampleEvents) {
    const bytes = Event.encode(toWireEvent(event)).finish();
    assert.deepEqual(fromWireEvent(Event.decode(bytes)), event);
  }
});

Deno.test("each kind of event in the protocol is known", () => {
  const files = fromBinary(FileDescriptorSetSchema, Uint8Array.fromBase64(descriptorsBase64));
  const { fields } = createFileRegistry(files).getMessage("chatd.v1.Event")!;
  const known = new Set<string>(sampleEvents.map((event) => toWireEvent(event).kind!.$case));
  assert.deepEqual([...known].sort(), fields.map(({ jsonName }) => jsonName).sort());
});

Deno.test("an event that this program does not know is undefined", () => {
  assert.equal(fromWireEvent({ kind: undefined }), undefined);
  const later = { $case: "renamed", value: { user: "ben" } as MemberInvited } as unknown as Event["kind"];
  assert.equal(fromWireEvent({ kind: later }), undefined);
  for (const role of [Role.INVITED, Role.BANNED, Role.UNSPECIFIED, 99 as Role]) {
    assert.equal(fromWireEvent({ kind: { $case: "roleChanged", value: { user: "ben", role } } }), undefined);
  }
});

Deno.test("an event that is about a message names it, and no other does", () => {
  for (const event of sampleEvents) assert.equal(isRoomEvent(event), !("target" in event), event.kind);
});
