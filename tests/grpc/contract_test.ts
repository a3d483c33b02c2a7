import { GrpcTransport } from "../../src/grpc/client/client_transport.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { transportContract } from "../contract/transport.ts";
import { grpcFixture as fixture } from "../support/servers/grpc_transport_fixture.ts";

transportContract("gRPC", fixture({ transport: Http2Transport, callback: false }));
transportContract("gRPC, by callback", fixture({ transport: Http2Transport, callback: true }));
transportContract("gRPC, with grpc-js", fixture({ transport: GrpcTransport, callback: false }));
transportContract("gRPC, by callback, with grpc-js", fixture({ transport: GrpcTransport, callback: true }));
