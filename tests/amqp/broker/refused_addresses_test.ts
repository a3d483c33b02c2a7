/** A transactional channel makes the broker refuse its user and its address. */
import assert from "node:assert/strict";
import { startAuthorityEndpoint } from "../../../src/amqp/broker/authority_endpoint.ts";
import { BrokerAuthority } from "../../../src/amqp/broker/broker_authority.ts";
import { BrokerWatch } from "../../../src/amqp/broker/broker_watch.ts";
import { RefusedLogins } from "../../../src/amqp/broker/refused_logins.ts";
import { SessionQueues } from "../../../src/amqp/server/session_queues.ts";
import { registrationUser } from "../../../src/amqp/topology.ts";
import { Accounts } from "../../../src/core/accounts/accounts.ts";
import { silentLog } from "../../../src/core/log.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { FakeHasher } from "../../support/fakes/fake_hasher.ts";
import { TestStore } from "../../support/servers/test_store.ts";

const password = "correct horse";
const secret = "s3cret";

/** An authority behind its endpoint, and a broker with one transactional channel of `user` from `address`. */
async function start({ user, address }: { user: string; address: string }) {
  const clock = new FakeClock();
  const store = TestStore.open();
  const options = { clock, log: silentLog, registration: "open" } as const;
  const accounts = new Accounts({ ...options, store: store.accounts, hasher: new FakeHasher() });
  for (const name of ["ana", "mallory"]) await accounts.addUser({ name, password });
  const refused = new RefusedLogins({ clock });
  const authority = new BrokerAuthority({
    ...options,
    accounts,
    refused,
    sessionQueues: new SessionQueues(),
    internalUser: "chatd",
  });
  const listen = { host: "127.0.0.1", port: 0 };
  const endpoint = await startAuthorityEndpoint({ authority, secret, listen, log: silentLog });
  const channel = { user, transactional: true, connection_details: { name: "a", peer_host: address } };
  await using watch = new BrokerWatch({
    management: { get: () => Promise.resolve([channel]), closeConnection: () => Promise.resolve() },
    vhost: "/",
    log: silentLog,
    refused,
    serverUser: "chatd",
    isAccount: async (name) => await accounts.findUser(name) !== undefined,
    lacksMemory: () => false,
  });
  await watch.check();
  const ask = async (kind: string, question: Record<string, string>) => {
    const body = new URLSearchParams(question);
    const answer = await fetch(`http://127.0.0.1:${endpoint.port}/${secret}/${kind}`, { method: "POST", body });
    return await answer.text();
  };
  return {
    clock,
    logIn: (username: string) => ask("user", { username, password }),
    enter: (username: string, ip: string) => ask("vhost", { username, vhost: "/", ip, tags: "" }),
    async [Symbol.asyncDispose]() {
      await endpoint.close();
      store.close();
    },
  };
}

Deno.test("the broker refuses the address of a transactional channel for ten minutes", async () => {
  const address = "192.0.2.7";
  await using broker = await start({ user: "mallory", address });
  assert.equal(await broker.logIn("mallory"), "allow busy");
  assert.equal(await broker.logIn("ana"), "allow");
  // All clients behind one address translation have this address.
  for (const user of ["mallory", "ana", registrationUser]) {
    assert.equal(await broker.enter(user, address), "deny", user);
  }
  assert.equal(await broker.enter("ana", "192.0.2.8"), "allow");
  broker.clock.advance(599_999);
  assert.equal(await broker.enter("ana", address), "deny");
  broker.clock.advance(1);
  assert.equal(await broker.enter("ana", address), "allow");
  assert.equal(await broker.logIn("mallory"), "allow");
});

Deno.test("the broker refuses only a stranger's address, and never a loopback address", async () => {
  await using remote = await start({ user: registrationUser, address: "2001:db8::7" });
  assert.equal(await remote.enter(registrationUser, "2001:db8::7"), "deny");
  assert.equal(await remote.enter(registrationUser, "2001:db8::8"), "allow");
  for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
    await using local = await start({ user: "mallory", address });
    assert.equal(await local.enter("ana", address), "allow", address);
    assert.equal(await local.logIn("mallory"), "allow busy");
  }
});
