/**
 * Lets chatd clients sleep (SIGSTOP) until the server or a proxy gives their connections up, wakes them (SIGCONT), and
 * counts the clients that live and talk afterwards:
 *
 *     deno run -A tests/crash/sleeping_clients.ts --deno=PATH --count=50 --minutes=2 --rounds=2 --via=direct,nginx,haproxy
 *
 * In odd rounds the connections time out; in even rounds the server or the proxy is restarted meanwhile too. With
 * `--tls`, clients connect over TLS. `--server=PATH` is another main.ts that serves, under the `deno` that runs this.
 * Exits with 1 when a client was lost. With CHATD_GRPC_JS=1 in the environment, the clients use grpc-js. Linux only.
 */
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openChat } from "../../src/app/open_chat.ts";
import { silentLog } from "../../src/core/log.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { comeBack } from "../support/servers/person.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { createCertificates } from "./certificates.ts";
import { openFrontDoor, type Way, WAYS } from "./front_door.ts";
import { type Loss, SleepingClient } from "./sleeping_client.ts";

export interface SleepOptions {
  /** The path of the `deno` that runs the clients. */
  deno: string;
  count: number;
  minutes: number;
  rounds: number;
  way: Way;
  /** Clients connect over TLS. */
  encrypted?: boolean;
  /** The main.ts that serves; the one of this tree unless given. */
  program?: string;
  /** Ends everything early. */
  signal?: AbortSignal;
  /** Told of each round. Silent unless given. */
  log?(line: string): void;
}

export interface SleepResult {
  way: Way;
  count: number;
  /** Of each client that was lost, why. */
  losses: readonly string[];
}

/** Clients that start at once: more of them only wait for the processors. */
const startsAtOnce = 4;
/** A client has to talk within this time, in milliseconds. */
const talkMs = 120_000;
/** A client that died within this time after it talked counts as lost too, in milliseconds. */
const watchMs = 15_000;

export async function runSleepingClients(
  { deno, count, minutes, rounds, way, encrypted = false, program, signal, log = () => {} }: SleepOptions,
): Promise<SleepResult> {
  using folder = temporaryFolder();
  await using open = new AsyncDisposableStack();
  const users = Array.from({ length: count }, (_, index) => `sleeper${index}`);
  const tokens = await register(`${folder.path}/data`, ["friend", ...users]);
  const certificates = encrypted ? await createCertificates() : undefined;
  const door = open.use(await openFrontDoor({ way, folder: folder.path, program, certificates }));
  const { port, isEncrypted } = door.server;
  const tls = isEncrypted ? { roots: Buffer.from(certificates!.authority), serverName: "localhost" } : undefined;
  const transport = new Http2Transport({ host: "127.0.0.1", port, tls, callback: false });
  const friend = await comeBack(tokens.get("friend")!, transport);
  open.defer(() => friend.stop());

  const losses = new Map<string, string>();
  const note = (user: string, loss: Loss) => {
    if (loss !== undefined && !losses.has(user)) losses.set(user, `${user}: ${loss}`);
  };
  const clients = users.map((user, index) => () =>
    open.use(
      new SleepingClient({
        user,
        token: tokens.get(user)!,
        // Readers and writers go to each of the ports.
        port: door.ports[Math.floor(index / 2) % door.ports.length],
        args: door.clientArgs,
        ...(index % 2 === 1 && { to: "friend" }),
        folder: `${folder.path}/${user}`,
        deno,
      }),
    )
  );
  const started: SleepingClient[] = [];
  await Promise.all(Array.from({ length: startsAtOnce }, async () => {
    for (let start = clients.shift(); start; start = clients.shift()) {
      const client = start();
      started.push(client);
      note(client.user, await client.talk(friend, talkMs));
    }
  }));
  const awake = () => started.filter(({ user }) => !losses.has(user));
  const talk = async () => {
    await Promise.all(awake().map(async (client) => note(client.user, await client.talk(friend, talkMs))));
  };
  log(`${way}: ${awake().length} of ${count} clients are online`);
  signal?.throwIfAborted();

  for (let round = 1; round <= rounds; round++) {
    // Online again, after a proxy that did not wait: a writer that is offline for a minute gives up, asleep or awake.
    await talk();
    for (const client of awake()) client.sleep();
    await setTimeout(minutes * 30_000, undefined, { signal });
    if (round % 2 === 0) await door.restart();
    await setTimeout(minutes * 30_000, undefined, { signal });
    for (const client of awake()) client.wake();
    await talk();
    await setTimeout(watchMs, undefined, { signal });
    for (const client of awake()) note(client.user, client.loss());
    log(`${way}: ${awake().length} of ${count} clients survived round ${round}`);
  }
  return { way, count, losses: [...losses.values()] };
}

/** Returns a token of each user, by name. */
async function register(folder: string, users: readonly string[]): Promise<Map<string, string>> {
  const rate = { perSecond: 1_000_000, burst: 1_000_000 };
  const { chat, close } = openChat({ folder, registration: "open", rate, log: silentLog });
  const tokens = new Map<string, string>();
  try {
    for (const [index, user] of users.entries()) {
      // Registrations of one address are limited.
      const address = `10.0.${index >> 8}.${index & 255}`;
      const request = { user, password: "correct horse battery", invite: "", deviceName: "", address };
      tokens.set(user, (await chat.accounts.register(request)).token);
    }
  } finally {
    await close();
  }
  return tokens;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      deno: { type: "string", default: Deno.execPath() },
      count: { type: "string", default: "50" },
      minutes: { type: "string", default: "2" },
      rounds: { type: "string", default: "2" },
      via: { type: "string", default: WAYS.join(",") },
      tls: { type: "boolean", default: false },
      server: { type: "string" },
    },
  });
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => interrupted.abort());
  }
  const version = execFileSync(values.deno, ["--version"], { encoding: "utf8" }).split(/\s+/)[1];
  let lost = 0;
  for (const way of values.via.split(",") as Way[]) {
    const { count, losses } = await runSleepingClients({
      deno: values.deno,
      count: Number(values.count),
      minutes: Number(values.minutes),
      rounds: Number(values.rounds),
      way,
      encrypted: values.tls,
      program: values.server,
      signal: interrupted.signal,
      log: (line) => console.error(`${version} ${line}`),
    });
    lost += losses.length;
    for (const loss of losses) console.log(`${version} ${way} lost ${loss}`);
    console.log(`${version} ${way}: ${count - losses.length} of ${count} clients survived`);
  }
  Deno.exit(lost === 0 ? 0 : 1);
}
