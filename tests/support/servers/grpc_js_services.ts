/** chatd's services as grpc-js defines them, and clients of grpc-js for them. */
import { AuthServiceDefinition } from "../../../src/gen/chatd/v1/auth_service.ts";
import { ChatServiceDefinition } from "../../../src/gen/chatd/v1/chat_service.ts";
import { FileServiceDefinition } from "../../../src/gen/chatd/v1/files_service.ts";
import { HealthDefinition } from "../../../src/gen/grpc/health/v1/health.ts";
import { ServerReflectionDefinition } from "../../../src/gen/grpc/reflection/v1/reflection.ts";
import { grpcJsClient, grpcJsService } from "../../../src/grpc/client/grpc_js_service.ts";

export const AuthServiceService = grpcJsService(AuthServiceDefinition);
export const ChatServiceService = grpcJsService(ChatServiceDefinition);
export const FileServiceService = grpcJsService(FileServiceDefinition);
export const HealthService = grpcJsService(HealthDefinition);
export const ServerReflectionService = grpcJsService(ServerReflectionDefinition);

export const AuthServiceClient = grpcJsClient(AuthServiceDefinition);
export type ChatServiceClient = InstanceType<typeof ChatServiceClient>;
export const ChatServiceClient = grpcJsClient(ChatServiceDefinition);
export type HealthClient = InstanceType<typeof HealthClient>;
export const HealthClient = grpcJsClient(HealthDefinition);
export const ServerReflectionClient = grpcJsClient(ServerReflectionDefinition);
