import assert from "node:assert/strict";
import type { Transport } from "../../src/client/transport.ts";
import type { ChatError } from "../../src/core/chat_error.ts";
import { GrpcTransport } from "../../src/grpc/client/client_transport.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import type { GrpcTransportOptions } from "../../src/grpc/client/transport_options.ts";
import { type Certificates, createCertificates } from "../crash/certificates.ts";
import { startTestGrpcServer } from "../support/servers/grpc_server.ts";

const certificates = await createCertificates();
const pem = (text: string) => new TextEncoder().encode(text);
const serverTls = { certificate: pem(certificates.server.certificate), key: pem(certificates.server.key) };
const mutualTls = { ...serverTls, clientCa: pem(certificates.authority) };

function chain(name: keyof Omit<Certificates, "authority">) {
  return { chain: pem(certificates[name].certificate), key: pem(certificates[name].key) };
}

type Reach = (port: number, tls: GrpcTransportOptions["tls"], host?: string) => Promise<unknown>;

function reachBy(Client: new (options: GrpcTransportOptions) => Transport): Reach {
  return (port, tls, host = "127.0.0.1") =>
    new Client({ host, port, tls, callback: false })
      .logIn({ user: "ana", password: "no such user", deviceName: "", deviceId: "" }, {});
}

/** The server answered: it was reached, and knows no such user. */
function answered(error: ChatError): boolean {
  assert.equal(error.code, "unauthenticated");
  return true;
}

function notReached(error: ChatError): boolean {
  assert.equal(error.code, "unavailable", error.message);
  return true;
}

for (const [library, Client] of [["chatd's HTTP/2", Http2Transport], ["grpc-js", GrpcTransport]] as const) {
  const logIn = reachBy(Client);
  // grpc-js keeps the timer of its next attempt for a while after a client is closed.
  const options = { sanitizeOps: Client !== GrpcTransport, sanitizeResources: Client !== GrpcTransport };

  Deno.test(
    `${library}: a server with TLS is reached by name, and by address with the name to check`,
    options,
    async () => {
      await using test = await startTestGrpcServer({ tls: serverTls });
      const roots = pem(certificates.authority);
      await assert.rejects(logIn(test.server.port, { roots }, "localhost"), answered);
      await assert.rejects(logIn(test.server.port, { roots, serverName: "localhost" }), answered);
    },
  );

  Deno.test(
    `${library}: a server with TLS is not trusted with another name, or when another authority signed it`,
    options,
    async () => {
      await using test = await startTestGrpcServer({ tls: serverTls });
      const roots = pem(certificates.authority);
      await assert.rejects(logIn(test.server.port, { roots, serverName: "elsewhere.example" }), notReached);
      const foreign = pem(certificates.foreignClient.certificate);
      await assert.rejects(logIn(test.server.port, { roots: foreign, serverName: "localhost" }), notReached);
    },
  );

  Deno.test(`${library}: NODE_TLS_REJECT_UNAUTHORIZED does not make a server trusted`, options, async () => {
    await using test = await startTestGrpcServer({ tls: serverTls });
    const { port } = test.server;
    Deno.env.set("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    try {
      const foreign = pem(certificates.foreignClient.certificate);
      await assert.rejects(logIn(port, { roots: foreign, serverName: "localhost" }), notReached);
      const roots = pem(certificates.authority);
      await assert.rejects(logIn(port, { roots, serverName: "elsewhere.example" }), notReached);
    } finally {
      Deno.env.delete("NODE_TLS_REJECT_UNAUTHORIZED");
    }
  });

  Deno.test(`${library}: neither side speaks plain where the other speaks TLS`, options, async () => {
    await using secure = await startTestGrpcServer({ tls: serverTls });
    await assert.rejects(logIn(secure.server.port, undefined), notReached);
    await using plain = await startTestGrpcServer();
    const roots = pem(certificates.authority);
    await assert.rejects(logIn(plain.server.port, { roots, serverName: "localhost" }), notReached);
  });

  Deno.test(
    `${library}: with mutual TLS only clients whose certificate the authority signed are served`,
    options,
    async () => {
      await using test = await startTestGrpcServer({ tls: mutualTls });
      const trust = { roots: pem(certificates.authority), serverName: "localhost" };
      await assert.rejects(logIn(test.server.port, { ...trust, certificate: chain("client") }), answered);
      await assert.rejects(logIn(test.server.port, trust), (error: ChatError) => {
        assert.match(error.message, /certificate/i);
        return notReached(error);
      });
      await assert.rejects(logIn(test.server.port, { ...trust, certificate: chain("foreignClient") }), notReached);
      await assert.rejects(logIn(test.server.port, { ...trust, certificate: chain("expiredClient") }), notReached);
    },
  );
}
