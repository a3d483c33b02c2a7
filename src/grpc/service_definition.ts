import type { MessageDecoder } from "../wire/strict_reader.ts";

/** Encodes and decodes messages of one type, as generated code does. */
export interface MessageType<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

// deno-lint-ignore no-explicit-any -- each method has types of its own
type AnyMessageType = MessageType<any>;
// deno-lint-ignore no-explicit-any -- as above
type AnyRequestType = AnyMessageType & MessageDecoder<any>;

/** The part of a generated method definition that this code uses. */
export interface MethodDefinition {
  readonly name: string;
  readonly requestType: AnyRequestType;
  readonly requestStream: boolean;
  readonly responseType: AnyMessageType;
  readonly responseStream: boolean;
}

/** The part of a generated service definition that this code uses. */
export interface ServiceDefinition {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

export type MethodName<Service extends ServiceDefinition> = keyof Service["methods"] & string;
export type RequestOf<Method extends MethodDefinition> = ReturnType<Method["requestType"]["decode"]>;
export type ResponseOf<Method extends MethodDefinition> = ReturnType<Method["responseType"]["decode"]>;

/** Returns the path of a method: "/package.Service/Method". */
export function pathOf<Service extends ServiceDefinition>(service: Service, method: MethodName<Service>): string {
  return `/${service.fullName}/${service.methods[method].name}`;
}
