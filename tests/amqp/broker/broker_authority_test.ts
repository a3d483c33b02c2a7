import assert from "node:assert/strict";
import {
  BrokerAuthority,
  type BrokerAuthorityOptions,
  inspectorUser,
} from "../../../src/amqp/broker/broker_authority.ts";
import { SessionQueues } from "../../../src/amqp/server/session_queues.ts";
import {
  fileExchange,
  invitationUser,
  registrationExchange,
  registrationUser,
  requestExchange,
  requestQueue,
  statusUser,
} from "../../../src/amqp/topology.ts";
import { Accounts } from "../../../src/core/accounts/accounts.ts";
import type { Registration } from "../../../src/core/accounts/registration.ts";
import { silentLog } from "../../../src/core/log.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { FakeHasher } from "../../support/fakes/fake_hasher.ts";
import { TestStore } from "../../support/servers/test_store.ts";

const password = "correct horse";

async function setUp(
  { registration = "open", ...more }: Partial<BrokerAuthorityOptions> & { registration?: Registration } = {},
) {
  const store = TestStore.open().accounts;
  const clock = new FakeClock();
  const hasher = new FakeHasher();
  const accounts = new Accounts({ store, clock, hasher, log: silentLog, registration });
  for (const name of ["ana", "ben"]) await accounts.addUser({ name, password });
  const queues = new SessionQueues();
  const internalUser = "broker-owner";
  const options = { accounts, registration, sessionQueues: queues, clock, log: silentLog, internalUser, ...more };
  const authority = new BrokerAuthority(options);
  const logIn = (username: string, password: string) => authority.decide("user", { username, password });
  const enter = (username: string, more: Record<string, string> = {}) =>
    authority.decide("vhost", { username, vhost: "/", ip: "127.0.0.1", tags: "", ...more });
  const may = (username: string, what: string, more: Record<string, string> = {}) => {
    const [permission, resource, name] = what.split(" ");
    return authority.decide("resource", { username, vhost: "/", resource, name, permission, tags: "", ...more });
  };
  const token = async (user: string) =>
    (await accounts.logIn({ user, password, deviceName: "", deviceId: "", address: "192.0.2.1" })).token;
  return { accounts, authority, clock, enter, hasher, logIn, may, queues, store, token };
}

Deno.test("an account logs in with its password or a token of its own", async () => {
  const { logIn, token, accounts } = await setUp();
  const anasToken = await token("ana");
  assert.equal(await logIn("ana", password), "allow");
  assert.equal(await logIn("ana", anasToken), "allow");
  assert.equal(await logIn("ben", anasToken), "deny");
  assert.equal(await logIn("ana", "wrong password"), "deny");
  assert.equal(await logIn("cleo", password), "deny");
  assert.equal(await logIn("ana", ""), "deny");
  await accounts.logOut(await accounts.authenticate(anasToken));
  assert.equal(await logIn("ana", anasToken), "deny");
  await accounts.disable("ana");
  assert.equal(await logIn("ana", password), "deny");
});

Deno.test("a password with the form of a token works as a password", async () => {
  const { logIn, accounts } = await setUp();
  const odd = "A".repeat(43);
  await accounts.addUser({ name: "cleo", password: odd });
  assert.equal(await logIn("cleo", odd), "allow");
});

Deno.test("internal, reserved and malformed names are denied without hashing", async () => {
  const { logIn, hasher, accounts } = await setUp();
  await accounts.addUser({ name: "broker-owner", password });
  for (const name of ["broker-owner", "chatd", "guest", "admin", "", "Ana", "ana ", "__proto__", "a".repeat(33)]) {
    assert.equal(await logIn(name, password), "deny", name);
  }
  assert.deepEqual(hasher.verified, []);
});

Deno.test("a login that cannot be checked now is busy, never denied, and is stopped at the virtual host", async () => {
  const { logIn, enter, may, hasher, queues } = await setUp();
  const gate = Promise.withResolvers<void>();
  hasher.gate = gate.promise;
  const waiting = [logIn("ana", password), logIn("ana", password)];
  assert.equal(await logIn("ana", password), "busy");
  const others = Array.from({ length: 30 }, (_, i) => logIn(`name${i}`, password));
  gate.resolve();
  assert.deepEqual(await Promise.all(waiting), ["allow", "allow"]);
  const answers = await Promise.all(others);
  assert.ok(answers.includes("busy"));
  assert.ok(answers.includes("deny"));
  assert.equal(await enter("ana", { tags: "busy" }), "deny");
  assert.equal(await may("ana", `write exchange ${requestExchange}`, { tags: "busy" }), "deny");
  assert.equal(await may("ana", `read queue ${queues.open("ana")}`, { tags: "other busy" }), "deny");
});

Deno.test("guessing passwords makes the user and the name busy, while tokens still log in", async () => {
  const { logIn, token } = await setUp();
  const anasToken = await token("ana");
  const answers = [];
  for (let i = 0; i < 20; i++) answers.push(await logIn("ana", `wrong password ${i}`));
  assert.deepEqual([...new Set(answers.slice(0, 10))], ["deny"]);
  assert.deepEqual([...new Set(answers.slice(10))], ["busy"]);
  assert.equal(await logIn("ana", password), "busy");
  assert.equal(await logIn("ana", anasToken), "allow");
  assert.equal(await logIn("ben", password), "allow");
});

Deno.test("a failing store makes logins busy and grants nothing", async () => {
  const { logIn, may, store } = await setUp();
  store.findUser = () => Promise.reject(new Error("the disk is gone"));
  assert.equal(await logIn("ana", password), "busy");
  assert.notEqual(await may("ana", `write exchange ${requestExchange}`), "allow");
});

Deno.test("an account may enter only the configured virtual host", async () => {
  const { enter } = await setUp();
  assert.equal(await enter("ana"), "allow");
  assert.equal(await enter("ana", { vhost: "other" }), "deny");
  assert.equal(await enter("broker-owner"), "deny");
  const elsewhere = await setUp({ vhost: "chat" });
  assert.equal(await elsewhere.enter("ana", { vhost: "chat" }), "allow");
  assert.equal(await elsewhere.enter("ana"), "deny");
});

Deno.test("an account may write to the exchanges for requests and files and read its own session queues, and nothing else", async () => {
  const { may, queues, accounts } = await setUp();
  const [own, other, closed] = [queues.open("ana"), queues.open("ben"), queues.open("ana")];
  queues.close(closed);
  const allowed = [`write exchange ${requestExchange}`, `write exchange ${fileExchange}`, `read queue ${own}`];
  for (const what of allowed) assert.equal(await may("ana", what), "allow", what);
  const names = [
    requestExchange,
    fileExchange,
    registrationExchange,
    requestQueue,
    "amq.default",
    "amq.topic",
    own,
    other,
    closed,
  ];
  for (const permission of ["configure", "write", "read", "delete"]) {
    for (const resource of ["exchange", "queue", "topic"]) {
      for (const name of [...names, "", "chatd.session.ana.", `${own}x`]) {
        const what = `${permission} ${resource} ${name}`;
        if (!allowed.includes(what)) assert.equal(await may("ana", what), "deny", what);
      }
    }
  }
  for (const what of allowed) {
    assert.equal(await may("ana", what, { vhost: "other" }), "deny");
    assert.equal(await may("nobody-here", what), "deny");
  }
  await accounts.disable("ana");
  for (const what of allowed) assert.equal(await may("ana", what), "deny", what);
});

Deno.test("topics and unknown questions are denied", async () => {
  const { authority } = await setUp();
  const question = { username: "ana", vhost: "/", resource: "topic", name: requestExchange, permission: "write" };
  for (const kind of ["topic", "constructor", "__proto__", ""]) {
    assert.equal(await authority.decide(kind, question), "deny", kind);
  }
  for (const kind of ["user", "vhost", "resource"]) assert.equal(await authority.decide(kind, {}), "deny", kind);
});

Deno.test("strangers log in if registration allows it, and may write only registrations", async () => {
  const open = await setUp();
  assert.equal(await open.logIn(registrationUser, "open"), "allow");
  assert.equal(await open.enter(registrationUser), "allow");
  assert.equal(await open.may(registrationUser, `write exchange ${registrationExchange}`), "allow");
  for (const what of [`write exchange ${requestExchange}`, `read queue ${open.queues.open("ana")}`]) {
    assert.equal(await open.may(registrationUser, what), "deny", what);
  }
  assert.equal(await open.may("ana", `write exchange ${registrationExchange}`), "deny");
  assert.equal(await (await setUp({ registration: "closed" })).logIn(registrationUser, "open"), "deny");
  const { logIn, accounts } = await setUp({ registration: "invite" });
  const invite = await accounts.createInvite({ lifetimeMs: 60_000 });
  assert.equal(await logIn(registrationUser, "open"), "deny");
  assert.equal(await logIn(registrationUser, invite), "allow");
  assert.equal(await logIn(registrationUser, invite), "allow", "it is not used up by logging in");
});

Deno.test("logins without an account are bounded in all, and logins of users for each user", async () => {
  const { logIn, clock } = await setUp();
  const strangers = [];
  for (let i = 0; i < 30; i++) strangers.push(await logIn(registrationUser, "open"));
  assert.deepEqual(strangers.lastIndexOf("allow"), 19);
  assert.equal(strangers.at(-1), "busy");
  for (let i = 0; i < 128; i++) assert.equal(await logIn("ana", password), "allow");
  assert.equal(await logIn("ana", password), "busy");
  assert.equal(await logIn("ben", password), "allow");
  clock.advance(1_000);
  assert.equal(await logIn("ana", password), "allow");
  assert.equal(await logIn(registrationUser, "open"), "allow");
});

Deno.test("a user who asks for permissions endlessly is denied and reported", async () => {
  const reported: string[] = [];
  const { may } = await setUp({ onFlood: (user) => reported.push(user) });
  const what = `write exchange ${requestExchange}`;
  for (let i = 0; i < 512; i++) await may("ana", "configure queue mine");
  assert.deepEqual(reported, []);
  assert.equal(await may("ana", what), "deny");
  assert.deepEqual(reported, ["ana"]);
  assert.equal(await may("ben", what), "allow");
});

Deno.test("an inspector logs in only with its secret, and may write only to requests and files", async () => {
  const { logIn, enter, may, queues } = await setUp({ inspectorPassword: "secret" });
  assert.equal(await logIn(inspectorUser, "secret"), "allow");
  assert.equal(await logIn(inspectorUser, "secrex"), "deny");
  assert.equal(await logIn(inspectorUser, ""), "deny");
  assert.equal(await enter(inspectorUser), "allow");
  assert.equal(await may(inspectorUser, `write exchange ${requestExchange}`), "allow");
  assert.equal(await may(inspectorUser, `write exchange ${fileExchange}`), "allow");
  assert.equal(await may(inspectorUser, `read queue ${queues.open("ana")}`), "deny");
  assert.equal(await (await setUp()).logIn(inspectorUser, ""), "deny");
});

Deno.test("anyone may find out that chatd answers, and gets no further", async () => {
  const { logIn, enter, may } = await setUp({ registration: "closed" });
  assert.equal(await logIn(statusUser, "anything"), "busy");
  assert.equal(await enter(statusUser), "deny");
  assert.equal(await may(statusUser, `write exchange ${requestExchange}`), "deny");
});

Deno.test("a user has at most the allowed number of connections, as counted by the broker", async () => {
  let open = 0;
  const counted: string[] = [];
  const countConnections = (user: string) => {
    counted.push(user);
    return Promise.resolve(open);
  };
  const { logIn, clock } = await setUp({ countConnections });
  const join = async () => {
    clock.advance(1_000);
    const decision = await logIn("ana", password);
    if (decision === "allow") open++;
    return decision;
  };
  for (let i = 0; i < 100; i++) assert.equal(await join(), "allow");
  assert.deepEqual(counted, []);
  assert.equal(await join(), "busy");
  assert.equal(await logIn("ben", password), "allow");
  open = 20;
  clock.advance(60_000);
  for (let i = 20; i < 100; i++) assert.equal(await join(), "allow");
  assert.equal(await join(), "busy");
  assert.deepEqual(counted, ["ana", "ana", "ana"]);
});

Deno.test("anyone may find out whether registration is by invitation, and gets no further", async () => {
  for (const [registration, decision] of [["open", "deny"], ["invite", "busy"], ["closed", "deny"]] as const) {
    const { logIn, enter } = await setUp({ registration });
    assert.equal(await logIn(invitationUser, ""), decision, registration);
    assert.equal(await enter(invitationUser), "deny");
    assert.equal(await enter(invitationUser, { tags: "busy" }), "deny");
  }
});
