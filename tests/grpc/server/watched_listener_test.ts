import assert from "node:assert/strict";
import type { Socket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { silentLog } from "../../../src/core/log.ts";
import { WatchedListener } from "../../../src/grpc/server/watched_listener.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { turns } from "../../support/waiting/turns.ts";

const script = fileURLToPath(new URL("../../support/proxies/starved_listener.ts", import.meta.url));
const deadlineMs = 90_000;

/** A connection; undefined while nobody listens, as when the listener is opened again. */
async function connect(port: number): Promise<Deno.TcpConn | undefined> {
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset) {
      return undefined;
    }
    throw error;
  }
}

/** Says nothing, and waits for the other side to close: because it took the connection, or because it never will. */
async function end(connection: Deno.TcpConn): Promise<void> {
  await connection.closeWrite().catch(() => {});
  await connection.read(new Uint8Array(1)).catch(() => null);
}

/** Opens a listener that has begun to test itself, and records the ports of the connections that it passes on. */
async function openInTest() {
  const { setInterval } = globalThis;
  const looks: (() => void)[] = [];
  globalThis.setInterval = ((look: () => void) => void looks.push(look)) as unknown as typeof setInterval;
  const taken: (number | undefined)[] = [];
  const sockets: Socket[] = [];
  const listener = await WatchedListener.open({
    host: "127.0.0.1",
    port: 0,
    log: silentLog,
    onConnection: (socket) => {
      taken.push(socket.remotePort);
      sockets.push(socket);
    },
  }).finally(() => globalThis.setInterval = setInterval);
  // There was no connection since the first look, so the second one tests the listener.
  for (let count = 0; count < 2; count++) looks[0]();
  return {
    port: listener.port,
    taken,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await listener.close();
    },
  };
}

Deno.test("the connection by which a listener is tried is not passed on", async () => {
  const listener = await openInTest();
  await turns();
  using honest = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
  const { port } = honest.localAddr as Deno.NetAddr;
  await eventually(() => listener.taken.includes(port));
  await turns(10);
  assert.deepEqual(listener.taken, [port]);
  await listener.close();
});

Deno.test("many connections during a test of the listener are passed on without a warning", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on("warning", note);
  const listener = await openInTest();
  const address = { hostname: "127.0.0.1", port: listener.port };
  const connections = await Promise.all(Array.from({ length: 30 }, () => Deno.connect(address)));
  await eventually(() => listener.taken.length === 30);
  await turns(10);
  assert.deepEqual(warnings, []);
  for (const connection of connections) connection.close();
  await listener.close();
  process.off("warning", note);
});

Deno.test("a listener takes connections again after there were no file descriptors for them", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const command = `ulimit -n 60 && exec "$0" run --quiet --no-check --cached-only -A "$1"`;
  const child = new Deno.Command("sh", {
    args: ["-c", command, Deno.execPath(), script],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let said = "";
  let ended = false;
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) said += text;
    ended = true;
  })();
  const says = (wanted: () => boolean | Promise<boolean>) =>
    eventually(
      async () => {
        if (await wanted()) return true;
        assert.ok(!ended, `it ended: ${said}`);
        return false;
      },
      () => said,
      deadlineMs,
    );
  const connections: Deno.TcpConn[] = [];
  // Ends a wait for a listener that neither takes a connection nor is closed.
  const killing = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
  try {
    await says(() => said.includes("\n"));
    const port = Number.parseInt(said);
    await says(async () => {
      const connection = await connect(port);
      if (connection !== undefined) connections.push(connection);
      return connections.length === 60;
    });
    await says(() => (said.match(/taken/g)?.length ?? 0) >= 10);
    for (const connection of connections.splice(0)) connection.close();
    const tried: number[] = [];
    await says(async () => {
      using connection = await connect(port);
      if (connection === undefined) return false;
      tried.push(connection.localAddr.port);
      await end(connection);
      return tried.some((own) => said.includes(`taken ${own}\n`));
    });
  } finally {
    clearTimeout(killing);
    for (const connection of connections) connection.close();
    if (!ended) child.kill("SIGKILL");
    await child.status;
    await reading;
  }
});
