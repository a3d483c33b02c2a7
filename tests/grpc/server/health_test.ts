import assert from "node:assert/strict";
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../src/gen/grpc/health/v1/health.ts";
import { HealthClient } from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";

function check(client: HealthClient, service: string): Promise<HealthCheckResponse> {
  return new Promise((resolve, reject) => {
    client.check({ service }, (error, response) => error === null ? resolve(response) : reject(error));
  });
}

Deno.test("health says that the server and its services serve", async () => {
  await using test = await startTestGrpcServer();
  const client = new HealthClient(`127.0.0.1:${test.server.port}`, credentials.createInsecure());
  for (const service of ["", "chatd.v1.ChatService", "chatd.v1.AuthService", "chatd.v1.FileService"]) {
    assert.deepEqual(await check(client, service), { status: ServingStatus.SERVING });
  }
  await assert.rejects(check(client, "chatd.v1.Nothing"), (error: ServiceError) => error.code === status.NOT_FOUND);
  client.close();
});

Deno.test("who watches is told when the server stops", async () => {
  const test = await startTestGrpcServer();
  const client = new HealthClient(`127.0.0.1:${test.server.port}`, credentials.createInsecure());
  const seen: ServingStatus[] = [];
  const call = client.watch({ service: "" });
  const first = Promise.withResolvers<void>();
  const over = new Promise<void>((resolve) => call.once("end", () => resolve()));
  call.on("data", (response: HealthCheckResponse) => {
    seen.push(response.status);
    first.resolve();
  });
  await first.promise;
  await test[Symbol.asyncDispose]();
  await over;
  assert.deepEqual(seen, [ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  client.close();
});
