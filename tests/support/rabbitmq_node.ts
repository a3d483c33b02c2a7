import { createServer } from "node:net";
import { brokerConfig, enabledPlugins } from "../../src/amqp/broker_config.ts";
import { requireDebianPackage } from "./debian_package.ts";

const server = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const readyDeadlineMs = 240_000;
const stopDeadlineMs = 120_000;

export interface RabbitNodeOptions {
  /** Where chatd answers, with the secret: "http://127.0.0.1:PORT/SECRET"; without it the broker asks nobody. */
  authUrl?: string;
  /** More lines for rabbitmq.conf. */
  config?: readonly string[];
}

/**
 * A RabbitMQ of its own, with the configuration that chatd prescribes, its own epmd, and nothing outside its folder.
 * All of it goes when it is disposed of, and also when this process dies.
 */
export class RabbitNode implements AsyncDisposable {
  /** The internal user, which the server logs in with. */
  readonly user = "chatd";
  readonly password = crypto.randomUUID();
  readonly amqpPort: number;
  readonly #managementPort: number;
  readonly #distributionPort: number;
  readonly #epmdPort: number;
  readonly #folder: string;
  #epmd: Deno.ChildProcess | undefined;
  #running: RunningNode | undefined;

  private constructor(folder: string, ports: readonly number[]) {
    this.#folder = folder;
    [this.amqpPort, this.#managementPort, this.#distributionPort, this.#epmdPort] = ports;
  }

  /** Resolves when it serves. @throws {Error} with what it wrote when it ends or takes too long. */
  static async start({ authUrl, config = [] }: RabbitNodeOptions = {}): Promise<RabbitNode> {
    requireDebianPackage({ name: "rabbitmq-server", file: server, why: "these tests run a private node of it" });
    const ports = await freePorts(4);
    const node = new RabbitNode(await Deno.makeTempDir({ prefix: "chatd-rabbitmq-" }), ports);
    try {
      await node.#prepare({ authUrl, config });
      await node.#boot();
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Of somebody who logs in; of the internal user unless given. */
  amqpUrl(user: string = this.user, password: string = this.password): string {
    return `amqp://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${this.amqpPort}`;
  }

  /** Without a login, which is that of the internal user. */
  get managementUrl(): string {
    return `http://127.0.0.1:${this.#managementPort}`;
  }

  /** Of the broker's process, for /proc. */
  get pid(): number {
    return this.#node.child.pid;
  }

  /** What the broker logged. */
  get log(): string {
    return Deno.readTextFileSync(`${this.#folder}/log/node@localhost.log`);
  }

  /** Stops it in order; its data stays. */
  async stop(): Promise<void> {
    this.#node.kill("SIGTERM");
    await this.#ended("stop", stopDeadlineMs);
  }

  /** Kills it; its data stays as a crash leaves it. */
  async crash(): Promise<void> {
    this.#node.kill("SIGKILL");
    await this.#ended("die", stopDeadlineMs);
  }

  /** Starts it on the same ports and data, stopping it before if it runs. */
  async restart(): Promise<void> {
    if (this.#running !== undefined) await this.stop();
    await this.#boot();
  }

  /** It keeps its connections, and does nothing, until {@link thaw}. */
  freeze(): void {
    this.#node.kill("SIGSTOP");
  }

  thaw(): void {
    this.#node.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running !== undefined) await this.crash();
    this.#epmd?.kill("SIGKILL");
    await this.#epmd?.status;
    await Deno.remove(this.#folder, { recursive: true });
  }

  get #node(): RunningNode {
    if (this.#running === undefined) throw new TypeError("the broker does not run");
    return this.#running;
  }

  async #prepare({ authUrl, config }: Required<Pick<RabbitNodeOptions, "config">> & RabbitNodeOptions): Promise<void> {
    for (const name of ["home", "conf", "log", "mnesia"]) await Deno.mkdir(`${this.#folder}/${name}`);
    const own = [
      `listeners.tcp.default = 127.0.0.1:${this.amqpPort}`,
      "management.tcp.ip = 127.0.0.1",
      `management.tcp.port = ${this.#managementPort}`,
      ...config,
      "",
    ];
    const conf = brokerConfig({ user: this.user, password: this.password, authUrl });
    await Deno.writeTextFile(`${this.#folder}/conf/rabbitmq.conf`, conf + own.join("\n"));
    await Deno.writeTextFile(`${this.#folder}/conf/enabled_plugins`, enabledPlugins());
  }

  get #environment(): Record<string, string> {
    const folder = this.#folder;
    return {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      LANG: "C.UTF-8",
      ERL_CRASH_DUMP_SECONDS: "0",
      HOME: `${folder}/home`,
      ERL_EPMD_PORT: String(this.#epmdPort),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      // The script then becomes the node, instead of waiting for it and its pid file.
      RUNNING_UNDER_SYSTEMD: "1",
      RABBITMQ_CONF_ENV_FILE: "/dev/null",
      RABBITMQ_NODENAME: "node@localhost",
      RABBITMQ_DIST_PORT: String(this.#distributionPort),
      RABBITMQ_MNESIA_BASE: `${folder}/mnesia`,
      RABBITMQ_LOG_BASE: `${folder}/log`,
      RABBITMQ_CONFIG_FILE: `${folder}/conf/rabbitmq.conf`,
      RABBITMQ_ADVANCED_CONFIG_FILE: `${folder}/conf/advanced.config`,
      RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/conf/enabled_plugins`,
      RABBITMQ_PID_FILE: `${folder}/rabbit.pid`,
      RABBITMQ_GENERATED_CONFIG_DIR: `${folder}/conf/generated`,
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    };
  }

  async #boot(): Promise<void> {
    const env = this.#environment;
    this.#epmd ??= new Deno.Command("epmd", {
      args: ["-address", "127.0.0.1", "-port", String(this.#epmdPort)],
      env,
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const child = new Deno.Command(server, { env, clearEnv: true, stdin: "null", stdout: "piped", stderr: "piped" })
      .spawn();
    this.#running = new RunningNode(child, this.#epmd);
    await this.#running.ready();
  }

  async #ended(what: string, deadlineMs: number): Promise<void> {
    const node = this.#node;
    const timer = setTimeout(() => node.kill("SIGKILL"), deadlineMs);
    const { signal } = await node.end();
    clearTimeout(timer);
    this.#running = undefined;
    if (what === "stop" && signal === "SIGKILL") throw new Error(`the broker did not ${what} within ${deadlineMs} ms`);
  }
}

/** The process of a node, and a guard that kills it and its epmd when this process dies. */
class RunningNode {
  readonly child: Deno.ChildProcess;
  readonly #guard: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  readonly #ready = Promise.withResolvers<void>();
  #text = "";

  constructor(child: Deno.ChildProcess, epmd: Deno.ChildProcess) {
    this.child = child;
    this.#guard = new Deno.Command("/bin/sh", {
      args: ["-c", 'read _ && exit; kill -KILL "$@"', "guard", String(child.pid), String(epmd.pid)],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#ready.promise.catch(() => {});
    this.#output = Promise.all([child.stdout, child.stderr].map((stream) => this.#read(stream)));
    void this.#output.then(() => this.#fail("ended before it served"));
  }

  kill(signal: Deno.Signal): void {
    try {
      this.child.kill(signal);
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async ready(): Promise<void> {
    const timer = setTimeout(() => this.#fail(`did not serve within ${readyDeadlineMs} ms`), readyDeadlineMs);
    await this.#ready.promise.finally(() => clearTimeout(timer));
  }

  /** Resolves when the process has ended and nothing of it is left. */
  async end(): Promise<Deno.CommandStatus> {
    const status = await this.child.status;
    await this.#output;
    const writer = this.#guard.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
    await this.#guard.status;
    return status;
  }

  #fail(why: string): void {
    this.#ready.reject(new Error(`the broker ${why}:\n${this.#text}`));
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#text = (this.#text + text).slice(-20_000);
      if (/completed with \d+ plugins/.test(this.#text)) this.#ready.resolve();
    }
  }
}

/**
 * Ports of 127.0.0.1 that are free right now, all different, and none that a system hands out by itself, as to clients:
 * those come from 32768 on (Linux), or 49152 on.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 15_000 + Math.floor(17_000 * Math.random());
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  const listener = createServer();
  return new Promise((resolve, reject) => {
    listener.once("error", (error: Error & { code?: string }) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    listener.listen(port, "127.0.0.1", () => listener.close(() => resolve(true)));
  });
}
