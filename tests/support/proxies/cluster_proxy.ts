import { eventually } from "../waiting/eventually.ts";
import { socketsOf } from "../processes/child_process.ts";
import { debianPackages, requireDebianPackages } from "../processes/debian_package.ts";
import { replaced } from "./reverse_proxy.ts";

/** The ports of a node on this machine. */
export interface NodePorts {
  readonly grpc: number;
  readonly auth: number;
  readonly metrics: number;
}

export interface ClusterProxyOptions {
  /** For clients over gRPC. */
  readonly port: number;
  /** For the broker's questions. */
  readonly authPort: number;
  readonly nodes: readonly [NodePorts, NodePorts];
  /** Holds the configuration; removed by its owner. */
  readonly folder: string;
}

const example = new URL("../../../examples/haproxy.cfg", import.meta.url);

/** A private HAProxy before two nodes, configured as examples/haproxy.cfg says. */
export class ClusterProxy implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  #hasEnded = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    void child.status.then(() => this.#hasEnded = true);
  }

  /** Resolves when it listens on both ports. @throws {Error} when it ends or takes too long */
  static async start({ port, authPort, nodes, folder }: ClusterProxyOptions): Promise<ClusterProxy> {
    requireDebianPackages(["haproxy"], "nodes of a cluster are reached through it in these tests");
    const config = replaced(Deno.readTextFileSync(example), [
      ["bind :50051", `bind 127.0.0.1:${port}`],
      ["bind :15680", `bind 127.0.0.1:${authPort}`],
      // Nodes on one machine have different ports for the checks.
      ...nodes.flatMap(({ grpc, auth, metrics }, index) =>
        [
          [` chatd-${index + 1}:50051 `, ` 127.0.0.1:${grpc} port ${metrics} `],
          [` chatd-${index + 1}:15680 `, ` 127.0.0.1:${auth} port ${metrics} `],
        ] as const
      ),
    ]);
    const path = `${folder}/haproxy.cfg`;
    Deno.writeTextFileSync(path, config);
    const command = new Deno.Command(debianPackages.haproxy, {
      args: ["-db", "-q", "-f", path],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    });
    const proxy = new ClusterProxy(command.spawn());
    try {
      await eventually(() => {
        if (proxy.#hasEnded) throw new Error("HAProxy ended");
        return socketsOf(proxy.#child.pid).listening === 2;
      });
      return proxy;
    } catch (error) {
      await proxy[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}
