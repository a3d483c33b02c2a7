import { brokerConfig, enabledPlugins } from "../../../src/amqp/broker/broker_config.ts";
import { ProcessGuard } from "../../../src/host/process_guard.ts";
import { BrokerNode, type NodeAddress } from "./broker_node.ts";
import { BrokerProcess, spawnDetached } from "./broker_process.ts";
import { standardDeadlineMs } from "../waiting/deadlines.ts";
import { requireDebianPackages } from "../processes/debian_package.ts";
import { freePorts } from "../processes/free_ports.ts";

const toolFolder = "/usr/lib/rabbitmq/bin";
const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin";

export interface RabbitNodeOptions {
  /** The URL of chatd's answers, with the secret: "http://127.0.0.1:PORT/SECRET"; without it the broker asks no server. */
  readonly authUrl?: string;
  /** More lines for rabbitmq.conf. */
  readonly config?: readonly string[];
}

/** The resources of a node that no other program uses. */
interface Place extends NodeAddress {
  readonly folder: string;
  readonly distributionPort: number;
  readonly epmdPort: number;
  readonly guard: ProcessGuard;
}

/**
 * A private RabbitMQ with the configuration that chatd prescribes, which can be stopped, killed, frozen and restarted. Its
 * ports, cookie, folder and epmd are its own. All of it is gone after disposal, and also when the tests are killed.
 */
export class RabbitNode extends BrokerNode implements AsyncDisposable {
  readonly #place: Place;
  readonly #epmd: Deno.ChildProcess;
  #running: BrokerProcess | undefined;

  private constructor(place: Place) {
    super(place);
    this.#place = place;
    const args = ["-address", "127.0.0.1", "-port", String(place.epmdPort)];
    this.#epmd = spawnDetached("epmd", { args, env: this.#environment, stdout: "null", stderr: "null" });
    this.#watch();
  }

  /** Resolves when the node serves. @throws {Error} with its output when it ends or takes too long */
  static async start(options: RabbitNodeOptions = {}): Promise<RabbitNode> {
    requireDebianPackages(["rabbitmq-server"], "these tests run a private node of it");
    const [amqpPort, managementPort, distributionPort, epmdPort] = await freePorts(4);
    const folder = await Deno.makeTempDir({ prefix: "chatd-rabbitmq-" });
    const guard = new ProcessGuard(folder);
    const login = { user: "chatd", password: crypto.randomUUID() };
    const node = new RabbitNode({ ...login, folder, amqpPort, managementPort, distributionPort, epmdPort, guard });
    try {
      await node.#configure(options);
      await node.#boot();
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The address without methods, which another process can be told. */
  get address(): NodeAddress {
    const { user, password, amqpPort, managementPort } = this.#place;
    return { user, password, amqpPort, managementPort };
  }

  /** The id of the broker's process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** The text of the broker's log. */
  get log(): string {
    return Deno.readTextFileSync(`${this.#place.folder}/log/node@localhost.log`);
  }

  /** Stops the broker in order; its data stays. */
  async stop(): Promise<void> {
    this.#process.signal("SIGTERM");
    const timer = setTimeout(() => this.#process.signal("SIGKILL"), standardDeadlineMs);
    const { signal } = await this.#ended();
    clearTimeout(timer);
    if (signal === "SIGKILL") throw new Error(`the broker did not stop within ${standardDeadlineMs} ms`);
  }

  /** Kills the broker; its data stays as a crash leaves it. */
  async crash(): Promise<void> {
    this.#process.signal("SIGKILL");
    await this.#ended();
  }

  /** Starts the broker on the same ports and data; stops it before if it runs. */
  async restart(): Promise<void> {
    if (this.#running !== undefined) await this.stop();
    await this.#boot();
  }

  /** Sets the limit of the broker's memory in bytes, as `rabbitmqctl` does: it takes no messages while it uses more. */
  async limitMemory(bytes: number): Promise<void> {
    const { success, stderr } = await new Deno.Command(`${toolFolder}/rabbitmqctl`, {
      args: ["set_vm_memory_high_watermark", "absolute", String(bytes)],
      env: this.#environment,
      clearEnv: true,
    }).output();
    if (!success) throw new Error(`rabbitmqctl failed: ${new TextDecoder().decode(stderr)}`);
  }

  /** Halts the broker, which keeps its connections, until {@link thaw}. */
  freeze(): void {
    this.#process.signal("SIGSTOP");
  }

  thaw(): void {
    this.#process.signal("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running !== undefined) await this.crash();
    this.#epmd.kill("SIGKILL");
    await this.#epmd.status;
    await this.#place.guard.end();
    await Deno.remove(this.#place.folder, { recursive: true });
  }

  async #boot(): Promise<void> {
    this.#running = new BrokerProcess(`${toolFolder}/rabbitmq-server`, this.#environment);
    this.#watch();
    await this.#running.ready();
  }

  async #ended(): Promise<Deno.CommandStatus> {
    const status = await this.#process.ended();
    this.#running = undefined;
    this.#watch();
    return status;
  }

  get #process(): BrokerProcess {
    if (this.#running === undefined) throw new TypeError("the broker does not run");
    return this.#running;
  }

  /** Has the guard kill the processes that run now, if the tests end before the node is disposed of. */
  #watch(): void {
    void this.#place.guard.watch([this.#epmd.pid, ...this.#running === undefined ? [] : [this.#running.pid]]);
  }

  async #configure({ authUrl, config = [] }: RabbitNodeOptions): Promise<void> {
    const { folder, amqpPort, managementPort } = this.#place;
    for (const name of ["home", "conf", "log", "mnesia"]) await Deno.mkdir(`${folder}/${name}`);
    const own = [
      `listeners.tcp.default = 127.0.0.1:${amqpPort}`,
      "management.tcp.ip = 127.0.0.1",
      `management.tcp.port = ${managementPort}`,
      ...config,
      "",
    ];
    const conf = brokerConfig({ user: this.user, password: this.password, authUrl });
    await Deno.writeTextFile(`${folder}/conf/rabbitmq.conf`, conf + own.join("\n"));
    await Deno.writeTextFile(`${folder}/conf/enabled_plugins`, enabledPlugins());
  }

  /** The environment of the broker and of the tools that administer it. */
  get #environment(): Record<string, string> {
    const { folder, distributionPort, epmdPort } = this.#place;
    return {
      PATH: `${toolFolder}:${Deno.env.get("PATH") ?? ""}:${systemPath}`,
      LANG: "C.UTF-8",
      ERL_CRASH_DUMP_SECONDS: "0",
      HOME: `${folder}/home`,
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      // With it, the script becomes the node instead of waiting for the node's pid file.
      RUNNING_UNDER_SYSTEMD: "1",
      RABBITMQ_CONF_ENV_FILE: "/dev/null",
      RABBITMQ_NODENAME: "node@localhost",
      RABBITMQ_DIST_PORT: String(distributionPort),
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
}
