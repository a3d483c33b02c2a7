import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";
import { comeBack, join } from "../../support/servers/person.ts";
import { until } from "../../support/waiting/turns.ts";

const certificates = await createCertificates();
const pem = (text: string) => new TextEncoder().encode(text);
const serverTls = { certificate: pem(certificates.server.certificate), key: pem(certificates.server.key) };
const clientTls = { roots: pem(certificates.authority), serverName: "localhost" };

for (const isSecure of [false, true]) {
  // Deno 2.9.3 panics if a socket is destroyed below a TLS socket at the wrong time.
  Deno.test(`sessions come and go at any moment, callbacks included, ${isSecure ? "over TLS" : "without TLS"}`, async () => {
    await using test = await startTestGrpcServer({ tls: isSecure ? serverTls : undefined });
    const address = { host: "127.0.0.1", port: test.server.port, tls: isSecure ? clientTls : undefined };
    const byCallback = new GrpcTransport({ ...address, callback: true });
    const byStream = new GrpcTransport({ ...address, callback: false });
    let ana = await join("ana", byCallback);
    let ben = await join("ben", byStream);
    for (let round = 0; round < 40; round++) {
      const before = ana.received.length;
      await ben.client.send("ana", "hello");
      if (round % 2 === 1) await until(() => ana.received.length > before);
      await Promise.all([ana.stop(), ben.stop()]);
      ana = await comeBack(ana.token, byCallback);
      ben = await comeBack(ben.token, byStream);
    }
    await Promise.all([ana.stop(), ben.stop()]);
  });
}
