import { existsSync } from "node:fs";
import type { DatabaseAccess } from "../../../src/store/postgres/connection/database_address.ts";
import { ProcessGuard } from "../../../src/host/process_guard.ts";
import { requireDebianPackages } from "../processes/debian_package.ts";
import { freePorts } from "../processes/free_ports.ts";
import { startDeadlineMs } from "../waiting/deadlines.ts";
import { eventually } from "../waiting/eventually.ts";

const versionsFolder = "/usr/lib/postgresql";
const user = "chatd";
const database = "chatd";

/** Who may use a node, without methods, which another process can be told. */
export interface PostgresAddress {
  readonly port: number;
  readonly password: string;
}

export interface PostgresNodeOptions {
  /** Whether commits reach the disk; only tests of crashes need it. */
  readonly isDurable?: boolean;
  /** Lines for `postgresql.conf`. */
  readonly settings?: readonly string[];
  /** Streams from this node, as its standby, instead of being empty; with its password. */
  readonly standbyOf?: PostgresAddress;
}

/**
 * A private PostgreSQL, which can be stopped, killed, frozen and restarted. Its port and folder are its own. All of it is
 * gone after disposal, and also when the tests are killed.
 */
export class PostgresNode implements AsyncDisposable {
  readonly address: PostgresAddress;
  readonly #folder: string;
  readonly #guard: ProcessGuard;
  #postmaster: Deno.ChildProcess | undefined;

  private constructor(address: PostgresAddress, { folder, guard }: { folder: string; guard: ProcessGuard }) {
    this.address = address;
    this.#folder = folder;
    this.#guard = guard;
  }

  /** Resolves when the node serves. @throws {Error} with its log when it ends or takes too long */
  static async start(
    { isDurable = false, settings = [], standbyOf }: PostgresNodeOptions = {},
  ): Promise<PostgresNode> {
    requireDebianPackages(["postgresql"], "these tests run a private node of it");
    const [port] = await freePorts(1);
    const folder = await Deno.makeTempDir({ prefix: "chatd-postgres-" });
    const guard = new ProcessGuard(folder);
    const password = standbyOf?.password ?? crypto.randomUUID();
    const node = new PostgresNode({ port, password }, { folder, guard });
    try {
      const lines = [
        "listen_addresses = '127.0.0.1'",
        `port = ${port}`,
        `unix_socket_directories = '${folder}'`,
        "shared_buffers = 64MB",
        "max_connections = 100",
        ...isDurable ? [] : ["fsync = off", "synchronous_commit = off", "full_page_writes = off"],
        ...settings,
      ];
      await (standbyOf === undefined ? node.#initialize(lines) : node.#copy(standbyOf, lines));
      await node.boot();
      if (standbyOf === undefined) {
        await node.#run("createdb", ["--encoding", "UTF8", "--template", "template0", database]);
      }
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The id of the postmaster's process. */
  get pid(): number {
    return this.#running.pid;
  }

  /** The text of the node's log. */
  get log(): string {
    return Deno.readTextFileSync(`${this.#folder}/log`);
  }

  /** Sends a signal to the postmaster: SIGINT stops it, SIGQUIT stops it without a checkpoint, SIGKILL kills it. */
  signal(signal: Deno.Signal): void {
    this.#running.kill(signal);
  }

  /** Ends the postmaster by a signal, SIGINT unless given; its data stays. */
  async stop(signal: Deno.Signal = "SIGINT"): Promise<void> {
    this.signal(signal);
    await this.#running.status;
    this.#postmaster = undefined;
  }

  /** Starts the postmaster on the same port and data. */
  async boot(): Promise<void> {
    this.#postmaster = new Deno.Command("/bin/sh", {
      args: ["-c", `exec "$0" -D "$1" >>"$2" 2>&1`, `${toolFolder()}/postgres`, this.#data, `${this.#folder}/log`],
      ...owner(),
      cwd: this.#folder,
      clearEnv: true,
      env: { LC_ALL: "C.UTF-8", TZ: "UTC" },
      detached: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await this.#guard.watch([this.#postmaster.pid]);
    await eventually(() => this.#isReady(), () => `PostgreSQL serves:\n${this.log}`, startDeadlineMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#postmaster !== undefined) await this.stop("SIGQUIT");
    await this.#guard.end();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #initialize(settings: readonly string[]): Promise<void> {
    await this.#prepare();
    const login = ["--username", user, "--pwfile", `${this.#folder}/password`, "--auth", "scram-sha-256"];
    await this.#run("initdb", ["-D", this.#data, "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync", ...login]);
    await this.#configure(settings);
  }

  async #copy({ port }: PostgresAddress, settings: readonly string[]): Promise<void> {
    await this.#prepare();
    const copy = ["-D", this.#data, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"];
    await this.#run("pg_basebackup", ["--port", String(port), ...copy]);
    await this.#configure(settings);
  }

  /** Makes the files that the owner of the processes reads and writes. */
  async #prepare(): Promise<void> {
    const { uid, gid } = owner();
    await Deno.writeTextFile(`${this.#folder}/password`, this.address.password);
    await Deno.writeTextFile(`${this.#folder}/log`, "");
    if (uid === undefined) return;
    for (const path of ["", "/password", "/log"]) await Deno.chown(`${this.#folder}${path}`, uid, gid!);
  }

  async #configure(settings: readonly string[]): Promise<void> {
    const text = `\n${settings.join("\n")}\n`;
    await Deno.writeTextFile(`${this.#data}/postgresql.conf`, text, { append: true });
  }

  async #isReady(): Promise<boolean> {
    const { success } = await this.#command("pg_isready", ["-q"]).output();
    return success;
  }

  /** Runs a program of PostgreSQL on this node. @throws {Error} with its output when it fails */
  async #run(program: string, args: readonly string[]): Promise<void> {
    const { success, stderr } = await this.#command(program, args).output();
    if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
  }

  #command(program: string, args: readonly string[]): Deno.Command {
    const { port, password } = this.address;
    const connection = { PGHOST: "127.0.0.1", PGPORT: String(port), PGUSER: user, PGPASSWORD: password };
    return new Deno.Command(`${toolFolder()}/${program}`, {
      args: [...args],
      ...owner(),
      cwd: this.#folder,
      clearEnv: true,
      env: { ...connection, PGDATABASE: "postgres", LC_ALL: "C.UTF-8", TZ: "UTC" },
      stdin: "null",
    });
  }

  get #data(): string {
    return `${this.#folder}/data`;
  }

  get #running(): Deno.ChildProcess {
    if (this.#postmaster === undefined) throw new TypeError("the node does not run");
    return this.#postmaster;
  }
}

/** Returns what is needed to use a schema of a node. */
export function accessTo({ port, password }: PostgresAddress, schema: string): DatabaseAccess {
  return { address: { hosts: [{ host: "127.0.0.1", port }], user, database, sslMode: "disable", schema }, password };
}

/** The folder of the newest installed version's programs. */
function toolFolder(): string {
  const versions = [...Deno.readDirSync(versionsFolder)].map(({ name }) => name)
    .filter((name) => existsSync(`${versionsFolder}/${name}/bin/postgres`));
  const newest = versions.toSorted((one, other) => Number(other) - Number(one))[0];
  return `${versionsFolder}/${newest}/bin`;
}

/** Returns the user that runs PostgreSQL, which refuses to run as root. */
function owner(): { uid?: number; gid?: number } {
  if (Deno.uid() !== 0) return {};
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(Deno.readTextFileSync("/etc/passwd"))!;
  return { uid: Number(uid), gid: Number(gid) };
}
