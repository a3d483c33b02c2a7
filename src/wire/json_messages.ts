import { createFileRegistry, type DescMessage, fromBinary, fromJsonString, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ChatError } from "../core/chat_error.ts";
import { descriptorsBase64 } from "../gen/descriptors.ts";

const maxShown = 200;

const utf8 = new TextDecoder("utf-8", { fatal: true });

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Uint8Array.fromBase64(descriptorsBase64)));

/**
 * Parses a message in proto3 JSON (https://protobuf.dev/programming-guides/json/). Unknown fields, wrong types and
 * numbers out of range are errors.
 * @param type such as "chatd.v1.ClientFrame"
 * @returns the protobuf encoding
 * @throws {ChatError} `invalid_argument`, naming the field
 */
export function binaryFromJson(type: string, json: Uint8Array): Uint8Array {
  const schema = schemaOf(type);
  try {
    return toBinary(schema, fromJsonString(schema, utf8.decode(json)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, maxShown) : "it is malformed";
    throw new ChatError("invalid_argument", `This is not the proto3 JSON of ${type}: ${reason}`, { cause });
  }
}

/** Converts a message from well-formed protobuf to proto3 JSON. */
export function jsonFromBinary(type: string, bytes: Uint8Array): string {
  return JSON.stringify(jsonObject(type, bytes));
}

/** Like {@link jsonFromBinary}, but returns the object before it is text. */
export function jsonObject(type: string, bytes: Uint8Array): Record<string, unknown> {
  const schema = schemaOf(type);
  return toJson(schema, fromBinary(schema, bytes)) as Record<string, unknown>;
}

function schemaOf(type: string): DescMessage {
  const schema = registry.getMessage(type);
  if (schema === undefined) throw new TypeError(`there is no message type ${type}`);
  return schema;
}
