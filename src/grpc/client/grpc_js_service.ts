import {
  type CallOptions,
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  makeGenericClientConstructor,
  type Metadata,
  type MethodDefinition as GrpcJsMethod,
  type ServiceError,
} from "@grpc/grpc-js";
import {
  type MessageType,
  type MethodDefinition,
  pathOf,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
} from "../service_definition.ts";

/** A service as grpc-js defines it. */
export type GrpcJsService<Service extends ServiceDefinition> = {
  readonly [Name in keyof Service["methods"]]: GrpcJsMethod<
    RequestOf<Service["methods"][Name]>,
    ResponseOf<Service["methods"][Name]>
  >;
};

/** A client of grpc-js with a function for each method of a service. */
export type GrpcJsClient<Service extends ServiceDefinition> =
  & Client
  & { [Name in keyof Service["methods"]]: CallOf<Service["methods"][Name]> };

type CallOf<Method extends MethodDefinition> = Method extends { responseStream: false }
  ? UnaryCall<RequestOf<Method>, ResponseOf<Method>>
  : Method extends { requestStream: false }
    ? (request: RequestOf<Method>, metadata?: Metadata) => ClientReadableStream<ResponseOf<Method>>
  : (metadata?: Metadata) => ClientDuplexStream<RequestOf<Method>, ResponseOf<Method>>;

type Done<Response> = (error: ServiceError | null, response: Response) => void;

interface UnaryCall<Request, Response> {
  (request: Request, done: Done<Response>): ClientUnaryCall;
  (request: Request, metadata: Metadata, done: Done<Response>): ClientUnaryCall;
  (request: Request, metadata: Metadata, options: Partial<CallOptions>, done: Done<Response>): ClientUnaryCall;
}

/** Returns the definition of a service for grpc-js. */
export function grpcJsService<Service extends ServiceDefinition>(service: Service): GrpcJsService<Service> {
  const methods = Object.entries(service.methods).map(([name, { requestStream, responseStream, ...types }]) => {
    const request = codecOf(types.requestType);
    const response = codecOf(types.responseType);
    return [name, {
      path: pathOf(service, name),
      requestStream,
      responseStream,
      requestSerialize: request.serialize,
      requestDeserialize: request.deserialize,
      responseSerialize: response.serialize,
      responseDeserialize: response.deserialize,
    }];
  });
  return Object.fromEntries(methods);
}

/** Returns a class of clients of a service. */
export function grpcJsClient<Service extends ServiceDefinition>(
  service: Service,
): new (address: string, credentials: ChannelCredentials, options?: ClientOptions) => GrpcJsClient<Service> {
  return makeGenericClientConstructor(grpcJsService(service), service.fullName) as never;
}

function codecOf<Message>(type: MessageType<Message>) {
  return {
    serialize: (message: Message) => Buffer.from(type.encode(message).finish()),
    deserialize: (bytes: Buffer) => type.decode(bytes),
  };
}
