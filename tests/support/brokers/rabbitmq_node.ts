import {
  configurePrivateNode,
  type PrivateNode,
  privateNodeEnvironment,
  type PrivateNodeOptions,
} from "../../../src/amqp/broker/private_node.ts";
import { ProcessGuard } from "../../../src/host/process_guard.ts";
import { BrokerNode, type NodeAddress } from "./broker_node.ts";
import { BrokerProcess, spawnDetached } from "./broker_process.ts";
import { standardDeadlineMs } from "../waiting/deadlines.ts";
import { requireDebianPackages } from "../processes/debian_package.ts";
import { freePorts } from "../processes/free_ports.ts";

const toolFolder = "/usr/lib/rabbitmq/bin";

interface Place extends NodeAddress, PrivateNode {
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
  static async start(options: PrivateNodeOptions = {}): Promise<RabbitNode> {
    requireDebianPackages(["rabbitmq-server"], "these tests run a private node of it");
    const [amqpPort, managementPort, distributionPort, epmdPort] = await freePorts(4);
    const folder = await Deno.makeTempDir({ prefix: "chatd-rabbitmq-" });
    const guard = new ProcessGuard(folder);
    const login = { user: "chatd", password: crypto.randomUUID() };
    const node = new RabbitNode({ ...login, folder, amqpPort, managementPort, distributionPort, epmdPort, guard });
    try {
      await configurePrivateNode(node.#place, { ...options, ...login });
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

  get #environment(): Record<string, string> {
    return privateNodeEnvironment(this.#place, toolFolder);
  }
}
