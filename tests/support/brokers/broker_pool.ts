import { freePorts } from "../processes/free_ports.ts";
import type { NodeAddress } from "./broker_node.ts";
import { RabbitNode } from "./rabbitmq_node.ts";

/** The environment variable with the folder of a pool; tests that find it unset start private nodes. */
export const poolVariable = "TEST_BROKERS";

/** In the path under which the brokers of tests ask for permissions. */
export const authSecret = "a-secret-of-tests";

/** A node of a pool, as its file describes it. Whoever holds the file's lock has the node to itself. */
export interface PooledNode extends NodeAddress {
  /** The port of 127.0.0.1 on which the borrower answers the broker. */
  readonly authPort: number;
  /** The id of the broker's process. */
  readonly pid: number;
}

export interface BrokerPool extends AsyncDisposable {
  /** The folder with a file for each node that serves, which appear one after the other. */
  readonly folder: string;
  /** Rejects when a node could not be started. */
  readonly started: Promise<void>;
}

/** Starts nodes of RabbitMQ that test processes borrow, one process at a time each. @param folder a new one, which stays */
export function startBrokerPool(count: number, folder: string): BrokerPool {
  Deno.mkdirSync(folder);
  const nodes: RabbitNode[] = [];
  const started = (async () => {
    for (let number = 0; number < count; number++) nodes.push(await startPooledNode(`${folder}/${number}.json`));
  })();
  return {
    folder,
    started,
    async [Symbol.asyncDispose]() {
      await started.catch(() => {});
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

async function startPooledNode(path: string): Promise<RabbitNode> {
  const [authPort] = await freePorts(1);
  const node = await RabbitNode.start({ authUrl: `http://127.0.0.1:${authPort}/${authSecret}` });
  const described: PooledNode = { ...node.address, authPort, pid: node.pid };
  // Renamed, so that no borrower reads half of it.
  await Deno.writeTextFile(`${path}.new`, JSON.stringify(described));
  await Deno.rename(`${path}.new`, path);
  return node;
}
