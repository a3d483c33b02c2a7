import { PrivateBroker, type PrivateBrokerOptions } from "../../src/bench/systems/private_broker.ts";
import { requireDebianPackages } from "./debian_package.ts";

const toolFolder = "/usr/lib/rabbitmq/bin";
const stopDeadlineMs = 120_000;

/** A private broker to which everything can happen that happens to brokers. Disposed of as one. */
export class RabbitNode extends PrivateBroker {
  /** Resolves when it serves. @throws {Error} with what it wrote when it ends or takes too long. */
  static override async start(options: PrivateBrokerOptions = {}): Promise<RabbitNode> {
    requireDebianPackages(["rabbitmq-server"], "these tests run a private node of it");
    return await PrivateBroker.startAs((place) => new RabbitNode(place), options);
  }

  /** Stops it in order; its data stays. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), stopDeadlineMs);
    const { signal } = await this.ended();
    clearTimeout(timer);
    if (signal === "SIGKILL") throw new Error(`the broker did not stop within ${stopDeadlineMs} ms`);
  }

  /** Kills it; its data stays as a crash leaves it. */
  async crash(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }

  /** Starts it on the same ports and data, stopping it before if it runs. */
  async restart(): Promise<void> {
    if (this.isRunning) await this.stop();
    await this.boot();
  }

  /** Sets the limit of its memory in bytes, as `rabbitmqctl` does: it takes no messages while it uses more. */
  async limitMemory(bytes: number): Promise<void> {
    const { success, stderr } = await new Deno.Command(`${toolFolder}/rabbitmqctl`, {
      args: ["set_vm_memory_high_watermark", "absolute", String(bytes)],
      env: this.environment,
      clearEnv: true,
    }).output();
    if (!success) throw new Error(`rabbitmqctl failed: ${new TextDecoder().decode(stderr)}`);
  }

  /** It keeps its connections, and does nothing, until {@link thaw}. */
  freeze(): void {
    this.signal("SIGSTOP");
  }

  thaw(): void {
    this.signal("SIGCONT");
  }
}
