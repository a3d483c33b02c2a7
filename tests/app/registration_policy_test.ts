import assert from "node:assert/strict";
import { amqpRegistrationPolicy, formatRegistration } from "../../src/app/registration_policy.ts";

Deno.test("registration over RabbitMQ is closed without --amqp-registration or a shared login", () => {
  for (const registration of ["open", "invite", "closed"] as const) {
    const policyWith = (amqpRegistration: boolean, sharedLogin: boolean) =>
      amqpRegistrationPolicy({ registration, amqpRegistration, sharedLogin });
    assert.equal(policyWith(false, false), "closed");
    assert.equal(policyWith(true, false), registration);
    assert.equal(policyWith(false, true), registration);
  }
});

Deno.test("formatRegistration() names the transports only if their policies differ", () => {
  const grpc = { protocol: "gRPC", registration: "invite" } as const;
  const amqp = { protocol: "RabbitMQ", registration: "closed" } as const;
  assert.equal(formatRegistration([grpc]), "registration invite");
  assert.equal(formatRegistration([grpc, { ...amqp, registration: "invite" }]), "registration invite");
  assert.equal(formatRegistration([amqp]), "registration closed");
  assert.equal(formatRegistration([grpc, amqp]), "registration invite over gRPC, closed over RabbitMQ");
});
