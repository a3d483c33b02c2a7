import { Http2Transport } from "../../../src/grpc/client/http2_transport.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { HAProxy } from "../../support/proxies/haproxy.ts";
import { Nginx } from "../../support/proxies/nginx.ts";
import type { ReverseProxyOptions } from "../../support/proxies/reverse_proxy.ts";
import { ServerProcess } from "../../support/processes/server_process.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

/** A way from a client to a server process. */
export interface Route {
  readonly name: string;
  /** Of "localhost". */
  readonly port: number;
  /** The file with the authority that signed what is shown there, with TLS. */
  readonly caFile?: string;
}

export interface Site extends AsyncDisposable {
  /** For whatever a test writes. */
  readonly folder: string;
  readonly routes: readonly Route[];
}

/** Requests are answered without waits for the rate of their user. */
const fast = ["--no-callback", "--rate", "100000", "--burst", "100000"];

/** Starts a server without TLS, one with it, and nginx and HAProxy before the first. */
export async function startSite(): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const { caFile, certificate } = await writeCertificate(folder);
  const tls = ["--tls-cert", certificate.chain, "--tls-key", certificate.key];
  const plain = stack.use(await ServerProcess.start({ folder: `${folder}/plain`, args: fast }));
  const secure = stack.use(await ServerProcess.start({ folder: `${folder}/secure`, args: [...fast, ...tls] }));
  const options = { serverPort: plain.port, folder, certificate };
  const nginx = stack.use(await Nginx.open(options));
  const haproxy = stack.use(await HAProxy.open(options));
  const owned = stack.move();
  return {
    folder,
    routes: [
      { name: "directly", port: plain.port },
      { name: "directly over TLS", port: secure.port, caFile },
      { name: "through nginx", port: nginx.port, caFile },
      { name: "through HAProxy", port: haproxy.port, caFile },
    ],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Returns the transport of chatd's own client over a route. */
export function transportTo({ port, caFile }: Route): Http2Transport {
  const tls = caFile === undefined ? undefined : { roots: Deno.readFileSync(caFile) };
  return new Http2Transport({ host: "localhost", port, tls, callback: false });
}

/** Writes a certificate for "localhost" and the one of its authority. */
export async function writeCertificate(
  folder: string,
): Promise<Pick<ReverseProxyOptions, "certificate"> & { readonly caFile: string }> {
  const { authority, server } = await createCertificates();
  const files = { caFile: `${folder}/ca.pem`, chain: `${folder}/server.pem`, key: `${folder}/server.key` };
  Deno.writeTextFileSync(files.caFile, authority);
  Deno.writeTextFileSync(files.chain, server.certificate);
  Deno.writeTextFileSync(files.key, server.key);
  return { caFile: files.caFile, certificate: { chain: files.chain, key: files.key } };
}
