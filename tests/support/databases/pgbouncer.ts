import { ProcessGuard } from "../../../src/host/process_guard.ts";
import { requireDebianPackages } from "../processes/debian_package.ts";
import { freePorts } from "../processes/free_ports.ts";
import { startDeadlineMs } from "../waiting/deadlines.ts";
import { eventually } from "../waiting/eventually.ts";
import type { PostgresAddress } from "./postgres_node.ts";

export interface PgBouncerOptions {
  /** When a connection is given to another client. */
  readonly poolMode: "session" | "transaction";
  /** Startup parameters that it drops, instead of refusing the connection. */
  readonly ignoredParameters?: readonly string[];
}

/** A private PgBouncer in front of a private PostgreSQL, with the same login. */
export class PgBouncer implements AsyncDisposable {
  readonly address: PostgresAddress;
  readonly #folder: string;
  readonly #child: Deno.ChildProcess;
  readonly #guard: ProcessGuard;

  private constructor(
    address: PostgresAddress,
    { folder, child, guard }: { folder: string; child: Deno.ChildProcess; guard: ProcessGuard },
  ) {
    this.address = address;
    this.#folder = folder;
    this.#child = child;
    this.#guard = guard;
  }

  /** Resolves when it accepts connections. */
  static async start(
    { port: serverPort, password }: PostgresAddress,
    { poolMode, ignoredParameters = [] }: PgBouncerOptions,
  ): Promise<PgBouncer> {
    requireDebianPackages(["pgbouncer"], "these tests run one in front of PostgreSQL");
    const [port] = await freePorts(1);
    const folder = await Deno.makeTempDir({ prefix: "chatd-pgbouncer-" });
    const guard = new ProcessGuard(folder);
    await Deno.writeTextFile(`${folder}/users`, `"chatd" "${password}"\n`);
    await Deno.writeTextFile(
      `${folder}/pgbouncer.ini`,
      [
        "[databases]",
        `* = host=127.0.0.1 port=${serverPort} user=chatd password=${password}`,
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        `listen_port = ${port}`,
        "unix_socket_dir =",
        "auth_type = scram-sha-256",
        `auth_file = ${folder}/users`,
        `pool_mode = ${poolMode}`,
        `ignore_startup_parameters = ${["extra_float_digits", ...ignoredParameters].join(",")}`,
      ].join("\n"),
    );
    // It refuses to run as root.
    const user = Deno.uid() === 0 ? ["--user=nobody"] : [];
    if (Deno.uid() === 0) {
      for (const file of ["", "/users", "/pgbouncer.ini"]) {
        await Deno.chmod(folder + file, 0o755);
      }
    }
    const child = new Deno.Command("/usr/sbin/pgbouncer", {
      args: ["--quiet", ...user, `${folder}/pgbouncer.ini`],
      detached: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await guard.watch([child.pid]);
    const accepts = () => Deno.connect({ hostname: "127.0.0.1", port }).then((socket) => (socket.close(), true));
    await eventually(() => accepts().catch(() => false), () => "PgBouncer accepts connections", startDeadlineMs);
    return new PgBouncer({ port, password }, { folder, child, guard });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#guard.end();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
