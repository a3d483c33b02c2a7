import assert from "node:assert/strict";
import {
  type Certificate,
  daysLeft,
  inspectCertificate,
  refuseInvalid,
  whyInvalid,
} from "../../../src/host/certificates/certificate.ts";
import { CertificateWatch } from "../../../src/host/certificates/certificate_watch.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";

const day = 86_400_000;
const { server, expiredClient, authority } = await createCertificates();
const inspect = (use: Certificate["use"], ...pems: string[]) =>
  inspectCertificate(use, "a.pem", new TextEncoder().encode(pems.join("")));

Deno.test("inspectCertificate() reads the first certificate of a server's file, before or after the key", () => {
  const valid = inspect("server", server.key, server.certificate, expiredClient.certificate);
  assert.equal(whyInvalid(valid), undefined);
  assert.match(whyInvalid(inspect("server", expiredClient.certificate, server.certificate))!, /"a\.pem" expired at 2/);
});

Deno.test("inspectCertificate() reads the authority that expires last", () => {
  assert.equal(whyInvalid(inspect("client_ca", expiredClient.certificate, authority)), undefined);
  const expired = inspect("broker_ca", expiredClient.certificate);
  assert.match(whyInvalid(expired)!, /^The broker CA certificate in "a\.pem" expired at 2.*: renew it\.$/);
});

Deno.test("inspectCertificate() refuses a file without a certificate", () => {
  for (const pem of ["", server.key, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) {
    assert.match(throwsWith("invalid_argument", () => inspect("server", pem)).message, /"a\.pem" holds no certificate/);
  }
});

Deno.test("whyInvalid() names the begin of validity and the current time", () => {
  const certificate = inspect("server", server.certificate);
  const early = certificate.validFrom - 1;
  const expected = new RegExp(`not valid before ${new Date(certificate.validFrom).toISOString()}, .* clock says`);
  assert.match(whyInvalid(certificate, early)!, expected);
  assert.equal(whyInvalid(certificate, certificate.validFrom), undefined);
  assert.ok(whyInvalid(certificate, certificate.validTo));
});

Deno.test("refuseInvalid() is unavailable for a clock in the past, and invalid_argument for an expired certificate", () => {
  const certificate = inspect("server", server.certificate);
  const refuse = (now: number) => () => refuseInvalid([certificate], { now });
  throwsWith("unavailable", refuse(certificate.validFrom - 1));
  throwsWith("invalid_argument", refuse(certificate.validTo));
  refuse(certificate.validFrom)();
});

Deno.test("refuseInvalid() names both times when the clock is more than a day ahead of the last trusted time", () => {
  const certificate: Certificate = { use: "server", file: "a.pem", validFrom: 0, validTo: 100 * day };
  const refuse = (lastSeen: number | undefined, now = 100 * day) => () =>
    refuseInvalid([certificate, { ...certificate, file: "b.pem" }], { now, lastSeen: () => lastSeen });
  for (const message of throwsWith("unavailable", refuse(98.9 * day)).message.split("\n")) {
    assert.match(
      message,
      /expired at 1970-04-11T00\S+Z: renew it, or set this machine's clock, which says 1970-04-11T00\S+Z and last said 1970-04-09T21\S+Z\.$/,
    );
  }
  for (const known of [99 * day, 101 * day, undefined]) {
    assert.match(throwsWith("invalid_argument", refuse(known)).message, /renew it\.$/);
  }
  // The certificate had expired before the last trusted time.
  assert.match(throwsWith("invalid_argument", refuse(100 * day, 200 * day)).message, /renew it\.$/);
  const late = { ...certificate, file: "late.pem", validTo: 50 * day };
  const both = throwsWith(
    "invalid_argument",
    () => refuseInvalid([certificate, late], { now: 100 * day, lastSeen: () => 90 * day }),
  );
  assert.deepEqual(both.message.split("\n").map((line) => line.includes("clock")), [true, false]);
});

Deno.test("a watch warns three weeks before a certificate expires, and reports an error afterwards", () => {
  const certificate: Certificate = { use: "server", file: "a.pem", validFrom: 0, validTo: 100 * day };
  const logged: [level: string, daysLeft: unknown][] = [];
  const log = {
    info() {},
    warn: (_event: string, details?: Record<string, unknown>) => logged.push(["warn", details?.daysLeft]),
    error: (_event: string, details?: Record<string, unknown>) => logged.push(["error", details?.daysLeft]),
  };
  let now = 79 * day;
  using watch = new CertificateWatch({ transports: [{ certificates: [certificate] }], log, now: () => now });
  assert.equal(daysLeft(certificate, now), 21);
  assert.deepEqual(logged, []);
  for (now of [79.5 * day, 99.5 * day, 100 * day, 101.5 * day]) watch.check();
  assert.deepEqual(logged, [["warn", 20], ["warn", 0], ["error", 0], ["error", -2]]);
});
