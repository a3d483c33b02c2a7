import { createFileRegistry, type DescMessage, fromBinary, fromJsonString, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ChatError } from "../core/chat_error.ts";
import { descriptorsBase64 } from "../gen/descriptors.ts";

const maxShown = 200;

const utf8 = new TextDecoder("utf-8", { fatal: true });

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Uint8Array.fromBase64(descriptorsBase64)));

/**
 * The protobuf bytes of a message that came as proto3 JSON (https://protobuf.dev/programming-guides/json/). Unlike the generated
 * `fromJSON` it takes nothing for something else: unknown fields, wrong types and numbers out of range are errors.
 * @param type such as "chatd.v1.ClientFrame"
 * @throws {ChatError} `invalid_argument`, naming the field
 */
export function binaryFromJson(type: string, json: Uint8Array): Uint8Array {
  const schema = schemaOf(type);
  try {
    return toBinary(schema, fromJsonString(schema, utf8.decode(json)));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.slice(0, maxShown) : "it is malformed";
    throw new ChatError("invalid_argument", `This is not the proto3 JSON of ${type}: ${why}`, { cause });
  }
}

/** The proto3 JSON of a message that is well-formed protobuf. */
export function jsonFromBinary(type: string, bytes: Uint8Array): string {
  return JSON.stringify(jsonObject(type, bytes));
}

/** Like {@link jsonFromBinary}, as an object to which fields can be added. */
export function jsonObject(type: string, bytes: Uint8Array): Record<string, unknown> {
  const schema = schemaOf(type);
  return toJson(schema, fromBinary(schema, bytes)) as Record<string, unknown>;
}

function schemaOf(type: string): DescMessage {
  const schema = registry.getMessage(type);
  if (schema === undefined) throw new TypeError(`there is no message type ${type}`);
  return schema;
}
