import { dirname } from "node:path";
import {
  configurePrivateNode,
  type PrivateNode,
  privateNodeEnvironment,
  type PrivateNodeOptions,
} from "../../amqp/broker/private_node.ts";
import { ChatError } from "../../core/chat_error.ts";
import { ProcessGuard } from "../../host/process_guard.ts";
import { freePorts } from "./free_ports.ts";

/** The start script that runs as any user, in packages of Debian and Ubuntu and RabbitMQ's own RPM packages. */
const packaged = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const readyDeadlineMs = 240_000;

/** The folder and the ports of one broker. */
interface BrokerPlace extends PrivateNode {
  readonly server: string;
  readonly guard: ProcessGuard;
}

/**
 * A private RabbitMQ node from the installed package, with the configuration that chatd requires:
 *
 *     await using broker = await PrivateBroker.start({ authUrl });
 *     await connect(broker.amqpUrl());
 *
 * It has its own ports, name, cookie, folder and epmd, and is independent of a broker that runs on this machine. All of it
 * is removed when it is disposed of, and also when this process ends in any other way, even by a kill.
 */
export class PrivateBroker implements AsyncDisposable {
  /** The internal user of the server. */
  readonly user = "chatd";
  readonly password = crypto.randomUUID();
  readonly amqpPort: number;
  readonly #place: BrokerPlace;
  #epmd: Deno.ChildProcess | undefined;
  #running: RunningBroker | undefined;

  private constructor(place: BrokerPlace) {
    this.#place = place;
    this.amqpPort = place.amqpPort;
  }

  /**
   * Starts a node; resolves when it serves, after some seconds.
   * @throws {ChatError} `unavailable` when RabbitMQ is not installed, with the command that installs it, or with the
   * output of a broker that ends or takes too long
   */
  static async start(options: PrivateNodeOptions = {}): Promise<PrivateBroker> {
    const server = findServer();
    const [amqpPort, managementPort, distributionPort, epmdPort] = await freePorts(4);
    const folder = await Deno.makeTempDir({ prefix: "chatd-rabbitmq-" });
    const guard = new ProcessGuard(folder);
    const broker = new PrivateBroker({ server, folder, amqpPort, managementPort, distributionPort, epmdPort, guard });
    try {
      const { user, password } = broker;
      await configurePrivateNode(broker.#place, { ...options, user, password });
      await broker.#boot();
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Returns the URL with a login, that of the internal user unless given. */
  amqpUrl(user: string = this.user, password: string = this.password): string {
    return `amqp://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${this.amqpPort}`;
  }

  /** The URL of the management plugin, without the login of the internal user. */
  get managementUrl(): string {
    return `http://127.0.0.1:${this.#place.managementPort}`;
  }

  /** The process id of the broker. */
  get pid(): number {
    if (this.#running === undefined) throw new TypeError("the broker does not run");
    return this.#running.child.pid;
  }

  /** The log of the broker so far. */
  get log(): string {
    return Deno.readTextFileSync(`${this.#place.folder}/log/node@localhost.log`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.kill();
    this.#epmd?.kill("SIGKILL");
    await this.#epmd?.status;
    await this.#place.guard.end();
    await Deno.remove(this.#place.folder, { recursive: true });
  }

  async #boot(): Promise<void> {
    const { server, guard, epmdPort } = this.#place;
    const env = privateNodeEnvironment(this.#place, dirname(server));
    const args = ["-address", "127.0.0.1", "-port", String(epmdPort)];
    this.#epmd = spawn("epmd", { args, env, stdout: "null", stderr: "null" });
    await guard.watch([this.#epmd.pid]);
    const child = spawn(server, { env, stdout: "piped", stderr: "piped" });
    await guard.watch([this.#epmd.pid, child.pid]);
    this.#running = new RunningBroker(child);
    await this.#running.ready();
  }
}

/** Returns the first file that exists. @throws {ChatError} `unavailable`, with the command that installs RabbitMQ */
export function findServer(places: readonly string[] = [packaged, ...onPath("rabbitmq-server")]): string {
  const found = places.find(isFile);
  if (found !== undefined) return found;
  throw new ChatError(
    "unavailable",
    'RabbitMQ is not installed, and chatd needs a private node of it. Install it with "sudo apt-get install ' +
      'rabbitmq-server" on Debian or Ubuntu, "brew install rabbitmq" on macOS; it need not run.',
  );
}

function onPath(name: string): string[] {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder.startsWith("/"));
  return folders.map((folder) => `${folder}/${name}`);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * Starts a program outside of the terminal's process group: Ctrl-C reaches only chatd, which then ends its processes.
 */
function spawn(program: string, { args = [], ...options }: Deno.CommandOptions): Deno.ChildProcess {
  return new Deno.Command(program, { args, clearEnv: true, detached: true, stdin: "null", ...options }).spawn();
}

class RunningBroker {
  readonly child: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  readonly #ready = Promise.withResolvers<void>();
  #text = "";

  constructor(child: Deno.ChildProcess) {
    this.child = child;
    this.#ready.promise.catch(() => {});
    this.#output = Promise.all([child.stdout, child.stderr].map((stream) => this.#read(stream)));
    void this.#output.then(() => this.#fail("ended before it served"));
  }

  async ready(): Promise<void> {
    const timer = setTimeout(() => this.#fail(`did not serve within ${readyDeadlineMs} ms`), readyDeadlineMs);
    await this.#ready.promise.finally(() => clearTimeout(timer));
  }

  /** Kills the broker; resolves when it ended and its output is read. */
  async kill(): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch (error) {
      // The process ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.child.status;
    await this.#output;
  }

  #fail(why: string): void {
    this.#ready.reject(new ChatError("unavailable", `The private RabbitMQ ${why}:\n${this.#text}`));
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#text = (this.#text + text).slice(-20_000);
      if (/completed with \d+ plugins/.test(this.#text)) this.#ready.resolve();
    }
  }
}
