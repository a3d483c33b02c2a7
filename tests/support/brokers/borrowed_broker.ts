import { startTestBroker, type TestBroker } from "./amqp_server.ts";
import { BrokerNode } from "./broker_node.ts";
import { authSecret, type PooledNode, poolVariable } from "./broker_pool.ts";
import { startDeadlineMs } from "../waiting/deadlines.ts";
import { eventually } from "../waiting/eventually.ts";

/**
 * Returns an empty broker that no other test uses until its disposal: a node of the runner's pool, or a private one where
 * there is no pool. A test that stops, halts or configures its broker calls `startTestBroker()` instead.
 */
export async function borrowTestBroker(): Promise<TestBroker> {
  const folder = Deno.env.get(poolVariable);
  if (folder === undefined) return await startTestBroker();
  const lock = await lockNode(folder);
  const node = new BorrowedNode(lock.pooled);
  try {
    await clear(node);
  } catch (error) {
    lock.file.close();
    throw error;
  }
  return {
    node,
    address: { tls: false, host: "127.0.0.1", port: node.amqpPort, vhost: "/" },
    authPort: lock.pooled.authPort,
    secret: authSecret,
    [Symbol.asyncDispose]: () => Promise.resolve(lock.file.close()),
  };
}

/** Returns a borrowed broker that permits everything to everybody. */
export async function borrowOpenBroker(): Promise<TestBroker> {
  const broker = await borrowTestBroker();
  const permit = { hostname: "127.0.0.1", port: broker.authPort, onListen() {} };
  const endpoint = Deno.serve(permit, () => new Response("allow"));
  return {
    ...broker,
    // The next borrower listens on the same port.
    async [Symbol.asyncDispose]() {
      await endpoint.shutdown();
      await broker[Symbol.asyncDispose]();
    },
  };
}

class BorrowedNode extends BrokerNode {
  readonly pid: number;

  constructor(pooled: PooledNode) {
    super(pooled);
    this.pid = pooled.pid;
  }
}

interface LockedNode {
  readonly pooled: PooledNode;
  /** Holds the lock until it is closed, or the process ends. */
  readonly file: Deno.FsFile;
}

/** Waits for a node of the pool that serves and is not lent. */
async function lockNode(folder: string): Promise<LockedNode> {
  let locked: LockedNode | undefined;
  const isLocked = () => {
    for (const { name } of Deno.readDirSync(folder)) {
      if (name.endsWith(".json") && locked === undefined) locked = tryLockNode(`${folder}/${name}`);
    }
    return locked !== undefined;
  };
  await eventually(isLocked, () => "a node of the pool is free", startDeadlineMs);
  return locked!;
}

function tryLockNode(path: string): LockedNode | undefined {
  const file = Deno.openSync(path, { read: true, write: true });
  if (file.tryLockSync(true)) return { file, pooled: JSON.parse(Deno.readTextFileSync(path)) };
  file.close();
  return undefined;
}

/**
 * Removes everything that the last borrower left: it may have been killed. Its connections may still be closing, and their
 * queues with them, so that a removal fails because the thing is gone, or locked by such a connection.
 */
async function clear(node: BrokerNode): Promise<void> {
  const list = async (kind: string) => {
    return (await node.manage<{ name: string }[]>("GET", `${kind}?columns=name`) ?? []).map(({ name }) => name);
  };
  const remove = async (kind: string, mayGo: (name: string) => boolean = () => true) => {
    let left: string[] = [];
    let failure = "";
    const isEmpty = async () => {
      left = (await list(kind)).filter(mayGo);
      const removals = left.map((name) => node.manage("DELETE", `${kind}/${encodeURIComponent(name)}`));
      await Promise.all(removals.map((removal) => removal.catch((error) => failure = String(error))));
      return left.length === 0;
    };
    await eventually(isEmpty, () => `there are no ${kind} of the last borrower, but ${left.join(", ")}; ${failure}`);
  };
  // RabbitMQ may list one for minutes that is closed. A client that connects again has another name.
  const closed = new Set<string>();
  await remove("connections", (name) => {
    const isNew = !closed.has(name);
    closed.add(name);
    return isNew;
  });
  await remove("queues/%2F");
  await remove("exchanges/%2F", (name) => name !== "" && !name.startsWith("amq."));
  await remove("policies/%2F");
  await remove("users", (name) => name !== node.user);
  await node.manage("PUT", "vhosts/%2F", { tracing: false });
}
