import assert from "node:assert/strict";
import { BrokerManagement, type BrokerManagementOptions } from "../../../src/amqp/broker/broker_management.ts";
import { registrationUser } from "../../../src/amqp/topology.ts";
import { silentLog } from "../../../src/core/log.ts";
import { type AmqpUser, connectAs, localPort } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { freePorts } from "../../support/processes/free_ports.ts";
import { borrowOpenBroker } from "../../support/brokers/borrowed_broker.ts";
import type { BrokerNode } from "../../support/brokers/broker_node.ts";
function manage(node: BrokerNode, more: Partial<BrokerManagementOptions> = {}): BrokerManagement {
  const login = { user: node.user, password: node.password };
  return new BrokerManagement({ url: node.managementUrl, login, log: silentLog, ...more });
}

Deno.test("management of a broker", async (t) => {
  await using broker = await borrowOpenBroker();
  const { node } = broker;
  await using management = manage(node);
  const join = (user: string, name?: string): Promise<AmqpUser> => connectAs(node.amqpUrl(user, "any"), { name });

  await t.step("kick() closes all connections of a user, and no others", async () => {
    await using one = await join("ana");
    await using other = await join("ana");
    await using bens = await join("ben");
    await management.kick({ user: "ana" });
    assert.match(await one.closed, /CONNECTION-FORCED.*Closed by chatd/);
    assert.match(await other.closed, /CONNECTION-FORCED/);
    await (await bens.model.createChannel()).close();
    assert.ok(bens.isOpen);
  });

  await t.step("kick() closes a user's connection by its client-provided name, even a new one", async () => {
    const name = "a name/with ü";
    await using wanted = await join("ana", name);
    await using other = await join("ana", "other");
    await using bens = await join("ben", name);
    await management.kick({ user: "ana", connection: name });
    assert.match(await wanted.closed, /CONNECTION-FORCED/);
    for (const { model, isOpen } of [other, bens]) {
      await (await model.createChannel()).close();
      assert.ok(isOpen);
    }
  });

  await t.step("one search closes all connections of a user that are named meanwhile", async () => {
    const names = Array.from({ length: 10 }, (_, number) => `device ${number}`);
    await using own = new AsyncDisposableStack();
    const users = await Promise.all(names.map(async (name) => own.use(await join("ana", name))));
    await using other = await join("ana", "other");
    await eventually(
      async () => {
        await Promise.all(names.map((connection) => management.kick({ user: "ana", connection })));
        return users.every(({ isOpen }) => !isOpen);
      },
      () => "all are closed",
    );
    for (const { closed } of users) assert.match(await closed, /CONNECTION-FORCED/);
    await (await other.model.createChannel()).close();
    assert.ok(other.isOpen);
  });

  await t.step("closeConnection() closes a connection by the broker's name, even a stranger's", async () => {
    await using stranger = await join(registrationUser);
    await using other = await join(registrationUser);
    // The broker lists it some seconds later.
    const name = `127.0.0.1:${localPort(stranger.model)} -> 127.0.0.1:${node.amqpPort}`;
    await eventually(
      async () => {
        await management.closeConnection(name);
        return !stranger.isOpen;
      },
      () => "it is closed",
    );
    assert.match(await stranger.closed, /CONNECTION-FORCED/);
    await (await other.model.createChannel()).close();
    assert.ok(other.isOpen);
  });

  await t.step("whileTracing() traces during the task, and restores the virtual host", async () => {
    const vhost = async () => {
      const { description, tags, tracing } = await management.get("/api/vhosts/%2F") as Record<string, unknown>;
      return { description, tags, tracing };
    };
    const before = await vhost();
    assert.equal(before.tracing, false);
    assert.ok(
      await management.whileTracing("/", async () => assert.deepEqual(await vhost(), { ...before, tracing: true })),
    );
    assert.deepEqual(await vhost(), before);
    await management.whileTracing("/", async () => {
      await management.whileTracing("/", () => Promise.resolve());
      assert.equal((await vhost()).tracing, true, "another's trace was ended");
    });
    const failing = manage(node, {});
    await assert.rejects(failing.whileTracing("/", () => Promise.reject(new Error("lost"))), /lost/);
    assert.deepEqual(await vhost(), before);
    await failing.close();
    await using without = manage(node, { login: { user: node.user, password: "wrong" } });
    assert.equal(await without.whileTracing("/", () => assert.fail("it looked at nothing")), false);
  });

  await t.step("countConnections() counts the connections of a user", async () => {
    await using _one = await join("ana");
    await using _other = await join("ana");
    await using _bens = await join("ben");
    assert.equal(await management.countConnections("ana"), 2);
    assert.equal(await management.countConnections("cleo"), 0);
  });

  await t.step("kick() of an unknown user or connection ends once that is certain", async () => {
    await management.kick({ user: "cleo" });
    await management.kick({ user: "cleo", connection: "none" });
  });

  await t.step("registering clients and the server are never kicked by name", async () => {
    await using stranger = await join(registrationUser, "mine");
    await using server = await connectAs(node.amqpUrl());
    await management.kick({ user: registrationUser });
    await management.kick({ user: registrationUser, connection: "mine" });
    await management.kick({ user: node.user });
    await management.kick({ user: "ana" });
    await (await stranger.model.createChannel()).close();
    await (await server.model.createChannel()).close();
    assert.ok(stranger.isOpen && server.isOpen);
  });

  await t.step("old connections of registering clients are closed, new ones stay", async () => {
    await using stranger = await join(registrationUser);
    await management.closeStrangers({ ageMs: 60_000 });
    assert.ok(stranger.isOpen);
    await eventually(async () => {
      await management.closeStrangers({ ageMs: 0 });
      return !stranger.isOpen;
    });
    assert.match(await stranger.closed, /CONNECTION-FORCED/);
  });

  await t.step("a refused login and a missing management plugin are logged once", async () => {
    const [nobody] = await freePorts(1);
    for (
      const [more, expected] of [
        [{ login: { user: node.user, password: "wrong" } }, /refused "chatd".*administrator/],
        [{ url: `http://127.0.0.1:${nobody}` }, /Cannot reach the management plugin/],
      ] as const
    ) {
      const warnings: unknown[] = [];
      const log = { ...silentLog, warn: (...args: unknown[]) => void warnings.push(args) };
      await using without = manage(node, { log, ...more });
      await without.kick({ user: "ana" });
      await without.kick({ user: "ben", connection: "x" });
      assert.equal(await without.countConnections("ana"), undefined);
      assert.equal(warnings.length, 1);
      assert.match(JSON.stringify(warnings).replaceAll("\\", ""), expected);
      assert.doesNotMatch(JSON.stringify(warnings), new RegExp(node.password));
    }
  });
});

Deno.test("repeated kicks run once more, for connections opened meanwhile", async () => {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ method, url }) => {
    asked.push(`${method} ${new URL(url).pathname}`);
    return new Response(null, { status: 204 });
  });
  try {
    const login = { user: "chatd", password: "secret" };
    const url = `http://127.0.0.1:${server.addr.port}`;
    await using management = new BrokerManagement({ url, login, log: silentLog, graceMs: 1 });
    await Promise.all(Array.from({ length: 1_000 }, () => management.kick({ user: "a/b" })));
    assert.deepEqual(asked, Array(2).fill("DELETE /api/connections/username/a%2Fb"));
  } finally {
    await server.shutdown();
  }
});

for (const slow of [false, true]) {
  const how = slow ? "is slow to end a connection" : "ended a connection by force";
  Deno.test(`a kick closes each connection separately when the broker ${how}`, async () => {
    const asked: string[] = [];
    const never = Promise.withResolvers<Response>();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ method, url }) => {
      const { pathname } = new URL(url);
      asked.push(`${method} ${pathname}`);
      if (method === "GET") return Response.json([{ name: "a" }, { name: "b" }]);
      if (!pathname.includes("/username/")) return new Response(null, { status: 204 });
      return slow ? never.promise : new Response("Internal Server Error", { status: 500 });
    });
    try {
      const login = { user: "chatd", password: "secret" };
      const url = `http://127.0.0.1:${server.addr.port}`;
      const warnings: string[] = [];
      const log = { ...silentLog, warn: (event: string) => void warnings.push(event) };
      const timeoutMs = slow ? 500 : 60_000;
      await using management = new BrokerManagement({ url, login, log, graceMs: 1, timeoutMs });
      await management.kick({ user: "mallory" });
      const all = "/api/connections/username/mallory";
      assert.deepEqual(asked.slice(0, 2), [`DELETE ${all}`, `GET ${all}`]);
      assert.deepEqual(asked.slice(2).toSorted(), ["DELETE /api/connections/a", "DELETE /api/connections/b"]);
      assert.deepEqual(warnings, []);
    } finally {
      never.resolve(new Response(null, { status: 204 }));
      await server.shutdown();
    }
  });
}

Deno.test("every disabled user is kicked, however many there are", async () => {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ method, url }) => {
    const { pathname } = new URL(url);
    if (method === "DELETE") asked.push(decodeURIComponent(pathname.split("/").at(-1)!));
    return method === "DELETE" ? new Response(null, { status: 204 }) : Response.json([]);
  });
  try {
    const login = { user: "chatd", password: "secret" };
    const url = `http://127.0.0.1:${server.addr.port}`;
    await using management = new BrokerManagement({ url, login, log: silentLog, graceMs: 50 });
    const users = Array.from({ length: 200 }, (_, number) => `user${number}`);
    const searches = users.flatMap((user) => ["a", "b"].map((connection) => management.kick({ user, connection })));
    await Promise.all([...searches, ...users.map((user) => management.kick({ user }))]);
    assert.deepEqual(asked.toSorted(), users.toSorted());
  } finally {
    await server.shutdown();
  }
});
