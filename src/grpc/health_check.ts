import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthClient,
} from "../gen/grpc/health/v1/health.ts";
import { fromServiceError } from "./service_error.ts";

const deadlineMs = 5_000;

/**
 * Asks a server whether it serves, by the standard health service. Whose certificate it shows is not checked here: nothing secret goes
 * there, and nothing that comes is trusted.
 * @param address "127.0.0.1:50051"
 * @throws {ChatError} `unavailable` when nobody answers there, or not gRPC
 */
export async function checkHealth(address: string, { tls }: { tls: boolean }): Promise<boolean> {
  const channel = tls
    ? credentials.createSsl(null, null, null, { rejectUnauthorized: false, checkServerIdentity: () => undefined })
    : credentials.createInsecure();
  const client = new HealthClient(address, channel, {
    "grpc.enable_retries": 0,
    "grpc.use_local_subchannel_pool": 1,
    // An address is no name to ask for in TLS.
    ...(tls && { "grpc.ssl_target_name_override": "localhost", "grpc.default_authority": "localhost" }),
  });
  try {
    const { status } = await new Promise<HealthCheckResponse>((resolve, reject) => {
      const done = (error: ServiceError | null, response: HealthCheckResponse) => {
        if (error === null) resolve(response);
        else reject(fromServiceError(error));
      };
      client.check({ service: "" }, new Metadata(), { deadline: Date.now() + deadlineMs }, done);
    });
    return status === ServingStatus.SERVING;
  } finally {
    client.close();
  }
}
