/** Ways to a chat server for clients that sleep: the server itself, or a proxy with short timeouts before it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "../support/waiting/eventually.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import type { Certificates } from "./certificates.ts";

export type Way = "direct" | "nginx" | "haproxy";
export const WAYS: readonly Way[] = ["direct", "nginx", "haproxy"];

export interface FrontDoor extends AsyncDisposable {
  /** Where clients connect. Each port ends connections in another way. */
  readonly ports: readonly number[];
  /** Options of chatd for clients that connect there. */
  readonly clientArgs: readonly string[];
  /** Replaces the process that clients are connected to, as an update or a new configuration does. */
  restart(): Promise<void>;
}

export interface FrontDoorOptions {
  way: Way;
  /** An empty folder for data and configuration, owned by the caller. */
  folder: string;
  /** The main.ts that serves; the one of this tree unless given. */
  program?: string;
  /** For TLS between clients and the first process that they reach. Nothing is encrypted unless given. */
  certificates?: Certificates;
}

/** Clients are idle for longer than this, in seconds. */
const idleSeconds = 20;
/** What a proxy that was replaced grants its connections, in seconds. */
const graceSeconds = 5;

/**
 * Starts a server on `folder`/data, and the proxy before it. Both end with the door. `server` is a port that needs no
 * TLS.
 */
export async function openFrontDoor(
  { way, folder, program, certificates }: FrontDoorOptions,
): Promise<FrontDoor & { server: { port: number; isEncrypted: boolean } }> {
  const pem = certificates && await writePem(folder, certificates);
  const isEncrypted = way === "direct" && pem !== undefined;
  const args = ["--rate", "1000000", "--burst", "1000000", "--log-level", "error"];
  if (isEncrypted) args.push("--tls-cert", pem.certificate, "--tls-key", pem.key);
  const start = (port: number) => ServerProcess.start({ folder: `${folder}/data`, port, args, program });
  let server = await start(0);
  const { port } = server;
  try {
    const proxy = way === "direct" ? undefined : await startProxy(way, { folder, backend: port, pem });
    return {
      server: { port, isEncrypted },
      ports: proxy?.ports ?? [port],
      clientArgs: pem === undefined ? [] : ["--ca", pem.authority, "--tls-name", "localhost"],
      async restart() {
        if (proxy) return await proxy.restart();
        server.kill("SIGTERM");
        await server.ended();
        server = await start(port);
      },
      async [Symbol.asyncDispose]() {
        await proxy?.[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Paths of files. */
interface Pem {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** Certificate and key. */
  readonly both: string;
}

async function writePem(folder: string, { authority, server }: Certificates): Promise<Pem> {
  const write = async (name: string, text: string) => {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    return `${folder}/${name}`;
  };
  return {
    authority: await write("authority.pem", authority),
    certificate: await write("certificate.pem", server.certificate),
    key: await write("key.pem", server.key),
    both: await write("both.pem", server.certificate + server.key),
  };
}

type Proxy = Pick<FrontDoor, "ports" | "restart"> & AsyncDisposable;

function startProxy(way: "nginx" | "haproxy", options: ProxyOptions): Promise<Proxy> {
  return way === "nginx" ? startNginx(options) : startHaproxy(options);
}

interface ProxyOptions {
  folder: string;
  /** The server's port on 127.0.0.1. */
  backend: number;
  pem?: Pem;
}

/**
 * The first port announces with GOAWAY, while a connection's only stream is open, that it takes no other; the second
 * when it was idle.
 */
async function startNginx({ folder, backend, pem }: ProxyOptions): Promise<Proxy> {
  const ports = await freePorts(2);
  const servers = ports.map((port, index) => `
    server {
      listen 127.0.0.1:${port} ${pem ? "ssl " : ""}http2;
      keepalive_requests ${index === 0 ? 1 : 1000};
      location / { grpc_pass grpc://127.0.0.1:${backend}; }
    }`);
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `
    daemon off;
    pid ${folder}/nginx.pid;
    worker_processes 1;
    worker_shutdown_timeout ${graceSeconds}s;
    error_log ${folder}/nginx.log error;
    events {}
    http {
      access_log off;
      ${pem ? `ssl_certificate ${pem.certificate}; ssl_certificate_key ${pem.key};` : ""}
      client_body_temp_path ${folder}/body;
      proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi;
      scgi_temp_path ${folder}/scgi;
      keepalive_timeout ${graceSeconds}s;
      client_body_timeout ${idleSeconds}s;
      send_timeout ${idleSeconds}s;
      grpc_read_timeout ${idleSeconds}s;
      grpc_send_timeout ${idleSeconds}s;
      ${servers.join("")}
    }`,
  );
  const nginx = await startListening("nginx", ["-p", folder, "-c", `${folder}/nginx.conf`], ports);
  return {
    ports,
    restart() {
      nginx.kill("SIGHUP");
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => nginx.stop(),
  };
}

async function startHaproxy({ folder, backend, pem }: ProxyOptions): Promise<Proxy> {
  const ports = await freePorts(1);
  await Deno.writeTextFile(
    `${folder}/haproxy.cfg`,
    `global
  hard-stop-after ${graceSeconds}s
defaults
  mode http
  timeout connect 5s
  timeout client ${idleSeconds}s
  timeout server ${idleSeconds}s
  timeout http-keep-alive ${graceSeconds}s
frontend clients
  bind 127.0.0.1:${ports[0]} ${pem ? `ssl crt ${pem.both} alpn h2` : "proto h2"}
  default_backend chat
backend chat
  server chat 127.0.0.1:${backend} proto h2
`,
  );
  const start = (more: string[] = []) =>
    startListening("haproxy", ["-db", "-f", `${folder}/haproxy.cfg`, ...more], ports);
  let haproxy = await start();
  return {
    ports,
    async restart() {
      const old = haproxy;
      haproxy = await start(["-sf", String(old.pid)]);
      await old.ended;
    },
    [Symbol.asyncDispose]: () => haproxy.stop(),
  };
}

interface Listening {
  readonly pid: number;
  readonly ended: Promise<unknown>;
  kill(signal: Deno.Signal): void;
  stop(): Promise<void>;
}

async function startListening(program: string, args: readonly string[], ports: readonly number[]): Promise<Listening> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (bytes) => said = (said + bytes).slice(-2000));
  let hasEnded = false;
  const ended = once(child, "close").finally(() => hasEnded = true);
  await eventually(async () => {
    if (hasEnded) throw new Error(`${program} ended before it listened: ${said}`);
    return (await Promise.all(ports.map(accepts))).every(Boolean);
  }, () => `${program} listens on ${ports.join(" and ")}`);
  return {
    pid: child.pid!,
    ended,
    kill: (signal) => Deno.kill(child.pid!, signal),
    async stop() {
      // nginx and HAProxy end at once, with their workers. kill() of a ChildProcess sends no second signal on Deno 2.9.3.
      if (!hasEnded) Deno.kill(child.pid!, "SIGTERM");
      await ended;
    },
  };
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
