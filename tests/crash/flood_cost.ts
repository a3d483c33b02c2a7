/**
 * Measures how much longer a message of others takes while strangers flood the server with cheap calls, in one run:
 * `deno run -A tests/crash/flood_cost.ts`, or with the names of some floods ("reflection", "health", ...).
 */
import { openChat } from "../../src/app/open_chat.ts";
import { silentLog } from "../../src/core/log.ts";
import { GrpcTransport } from "../../src/grpc/client/client_transport.ts";
import { LinkClient } from "../support/servers/link_client.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { Flood, floodCalls, type FloodKind, type FloodOptions } from "./flood.ts";

const measureMs = 8_000;
/** Between two messages, so that they find the server in any state. */
const pauseMs = 5;
const users = 1_000;

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Makes accounts, so that pages of users are large. @returns the tokens of three of them */
async function fill(folder: string): Promise<string[]> {
  const rate = { perSecond: 1_000_000, burst: 1_000_000 };
  const unmatchable = "x";
  const hasher = {
    unmatchable,
    hash: () => Promise.resolve(unmatchable),
    verify: () => Promise.resolve({ matches: false, outdated: false }),
  };
  const { chat, close } = openChat({ folder, registration: "open", rate, log: silentLog, hasher });
  const tokens: string[] = [];
  for (let count = 0; count < users; count++) {
    const request = { user: `user-${count}`, password: "correct horse", invite: "", deviceName: "" };
    const { token } = await chat.accounts.register({ ...request, address: `192.0.${count >> 3}.1` });
    tokens.push(token);
  }
  await close();
  return tokens.slice(0, 3);
}

/** Half of the round trips are shorter, in milliseconds. */
async function medianOfSends(client: LinkClient): Promise<{ p50: number; p99: number }> {
  const times: number[] = [];
  for (const end = performance.now() + measureMs; performance.now() < end;) {
    const start = performance.now();
    await client.send("user-1");
    times.push(performance.now() - start);
    client.acknowledge();
    await pause(pauseMs);
  }
  times.sort((a, b) => a - b);
  return { p50: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)] };
}

async function measure(): Promise<void> {
  const asked = Deno.args.length > 0 ? Deno.args : Object.keys(floodCalls);
  const folder = await Deno.makeTempDir({ prefix: "chatd-flood-" });
  try {
    const [token, , mallory] = await fill(folder);
    for (const kind of asked as FloodKind[]) {
      const byUser = kind === "large pages";
      for (const count of byUser ? [1] : [1, 20]) {
        await using server = await ServerProcess.start({ folder });
        const addresses = Array.from({ length: count }, (_, index) => `127.0.0.${index + 2}`);
        const client = await LinkClient.open(
          new GrpcTransport({ host: "127.0.0.1", port: server.port, callback: false }),
          token,
        );
        await medianOfSends(client);
        const before = await medianOfSends(client);
        const options: FloodOptions = {
          port: server.port,
          kind,
          addresses,
          connections: count === 1 ? 8 : 4,
          token: byUser ? mallory : undefined,
        };
        const child = new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", import.meta.filename!, "--flood", JSON.stringify(options)],
          stdin: "piped",
          stdout: "piped",
        }).spawn();
        const stdin = child.stdin.getWriter();
        const output = child.stdout.getReader();
        await output.read();
        const during = await medianOfSends(client);
        const rss = /VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${server.pid}/status`))?.[1];
        await stdin.close();
        const counts = JSON.parse(new TextDecoder().decode((await output.read()).value));
        await child.status;
        await output.cancel();
        await client.close();
        console.log(
          `${kind} from ${count}: p50 ${before.p50.toFixed(1)} -> ${during.p50.toFixed(1)} ms, ` +
            `times ${(during.p50 / before.p50).toFixed(1)}; p99 ${before.p99.toFixed(1)} -> ${
              during.p99.toFixed(1)
            } ms; ` +
            `peak memory ${Math.round(Number(rss) / 1024)} MiB; ${counts.ended} calls, ${
              Math.round(counts.bytes / 1024)
            } KiB, ${counts.closed} connections closed`,
        );
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The attacker is another process: its work must not delay what is measured. */
async function attack(options: FloodOptions): Promise<void> {
  const flood = new Flood(options);
  console.log("begun");
  for await (const _ of Deno.stdin.readable);
  const { ended, bytes, closed } = flood;
  await flood.stop();
  console.log(JSON.stringify({ ended, bytes, closed }));
}

if (Deno.args[0] === "--flood") await attack(JSON.parse(Deno.args[1]));
else await measure();
