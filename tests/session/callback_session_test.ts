import assert from "node:assert/strict";
import { type Callback, DeliveryMode, type Hello, ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import type { CallbackChannel, DialCallback } from "../../src/session/callback_delivery.ts";
import { turns, until } from "../support/waiting/turns.ts";
import { FakeTime } from "../support/fakes/fake_time.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { helloWith, TestSession } from "../support/servers/test_session.ts";
import { sendRequest } from "../support/servers/wire_values.ts";

const callback: Callback = { port: 40_000, certificate: new Uint8Array([1, 2, 3]), secret: new Uint8Array(32) };

/** A client's listener, which takes frames until it is broken. */
class FakeListener {
  readonly frames: ServerFrame[] = [];
  closed = false;
  broken = false;
  /** Takes the frames, but the responses are lost. */
  mute = false;

  readonly dial: DialCallback = (wanted) => {
    assert.deepEqual(wanted, callback);
    const channel: CallbackChannel = {
      deliver: async (frame) => {
        await Promise.resolve();
        if (this.broken) throw new Error("the connection broke");
        const taken = ServerFrame.decode(frame);
        this.frames.push(taken);
        if (this.mute) throw new Error("the response was lost");
        return taken.receipt;
      },
      close: () => void (this.closed = true),
    };
    return Promise.resolve(channel);
  };

  get texts(): string[] {
    return this.frames.flatMap(({ items }) =>
      items.map(({ kind }) => kind?.$case === "message" ? kind.value.text : "?")
    );
  }
}

async function open(test: TestChat, dialCallback: DialCallback | undefined, hello: Partial<Hello> = {}) {
  const { token } = await test.logIn("ben");
  const client = await TestSession.open(test, token, { dialCallback, hello: { callback, ...hello } });
  return { client, token };
}

function modes(client: TestSession): [DeliveryMode, boolean][] {
  return client.items.flatMap((item) =>
    item.$case === "deliveryChanged" ? [[item.value.mode, item.value.reason !== ""]] : []
  );
}

Deno.test("messages go to the client's listener, and its answers acknowledge them", async () => {
  await using test = await TestChat.open();
  const listener = new FakeListener();
  const { client, token } = await open(test, listener.dial);
  for (const text of ["1", "2", "3"]) await test.send("ana", "ben", text);
  await until(() => listener.texts.length === 3);
  assert.deepEqual(listener.texts, ["1", "2", "3"]);
  assert.deepEqual(client.texts, []);
  assert.deepEqual(modes(client), [[DeliveryMode.CALLBACK, false]]);
  await turns(3);
  client.session.disconnected();
  assert.equal(listener.closed, true);
  const again = await TestSession.open(test, token);
  await turns(3);
  assert.deepEqual(again.messages, []);
});

Deno.test("a callback client that takes nothing costs one window, and gets everything later", async () => {
  await using test = await TestChat.open();
  const listener = new FakeListener();
  const gate = Promise.withResolvers<void>();
  let delivered = 0;
  const { client } = await open(test, async (wanted, options) => {
    const channel = await listener.dial(wanted, options);
    const deliver: CallbackChannel["deliver"] = async (frame, options) => {
      delivered += frame.length;
      await gate.promise;
      return await channel.deliver(frame, options);
    };
    return { ...channel, deliver };
  });
  for (let count = 0; count < 40; count++) await test.send("ana", "ben", `${count}`.padEnd(16_000));
  await turns(3);
  assert.ok(delivered <= 65_536);
  gate.resolve();
  await until(() => listener.texts.length === 40);
  assert.deepEqual(listener.texts.map(Number), Array.from({ length: 40 }, (_, index) => index));
  assert.deepEqual(client.texts, []);
});

Deno.test("a client that cannot be called gets messages over its own connection, and is told so once", async () => {
  await using test = await TestChat.open();
  for (const dial of [undefined, () => Promise.reject(new Error("refused"))]) {
    const { client } = await open(test, dial);
    await test.send("ana", "ben");
    await until(() => client.messages.length === 1);
    assert.deepEqual(modes(client), [[DeliveryMode.STREAM, true]]);
  }
});

Deno.test("a client that does not answer is not called again after 3 s, and loses nothing", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const dial: DialCallback = (_wanted, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  const { token } = await test.logIn("ben");
  const client = new TestSession(test, { dialCallback: dial });
  const [id] = client.request({ $case: "hello", value: helloWith(token, { callback }) });
  await client.reply(id);
  await test.send("ana", "ben", "1");
  await time.tick(2_999);
  assert.deepEqual([client.texts, modes(client)], [[], []]);
  await time.tick(1);
  await until(() => client.texts.length > 0);
  assert.deepEqual(modes(client), [[DeliveryMode.STREAM, true]]);
  assert.deepEqual(client.texts, ["1"]);
  client.session.disconnected();
});

Deno.test("the stream replaces a listener that dies later, without loss", async () => {
  await using test = await TestChat.open();
  const listener = new FakeListener();
  const { client } = await open(test, listener.dial);
  await test.send("ana", "ben", "1");
  await until(() => listener.texts.length === 1);
  listener.broken = true;
  for (const text of ["2", "3"]) await test.send("ana", "ben", text);
  await until(() => client.messages.length === 2);
  await test.send("ana", "ben", "4");
  await until(() => client.messages.length === 3);
  assert.deepEqual([listener.texts, client.texts], [["1"], ["2", "3", "4"]]);
  assert.deepEqual(modes(client), [[DeliveryMode.CALLBACK, false], [DeliveryMode.STREAM, true]]);
  assert.equal(listener.closed, true);
});

Deno.test("messages without an answer are delivered again, except own ones", async () => {
  await using test = await TestChat.open();
  const listener = new FakeListener();
  const { client } = await open(test, listener.dial);
  await test.send("ana", "ben", "1");
  await until(() => listener.texts.length === 1);
  await client.ask("send", sendRequest(test.draft("ana", "own")));
  listener.mute = true;
  await test.send("ana", "ben", "2");
  await until(() => client.messages.length === 1);
  await turns(3);
  assert.deepEqual([listener.texts, client.texts], [["1", "2"], ["2"]]);
});

Deno.test("positions of own messages are sent over the stream, and the cursor moves on", async () => {
  await using test = await TestChat.open();
  const listener = new FakeListener();
  const { client } = await open(test, listener.dial);
  await test.send("ana", "ben", "1");
  await until(() => listener.texts.length === 1);
  await turns(3);
  await client.ask("send", sendRequest(test.draft("ana", "own")));
  await client.ask("ping", {});
  assert.equal(client.through, 2);
});

Deno.test("a session that ends while its client is dialled closes the new channel", async () => {
  await using test = await TestChat.open();
  const listener = new FakeListener();
  const dialled = Promise.withResolvers<void>();
  const { client } = await open(test, async (wanted, options) => {
    await dialled.promise;
    return await listener.dial(wanted, options);
  });
  client.session.disconnected();
  dialled.resolve();
  await until(() => listener.closed);
  await test.send("ana", "ben");
  await turns(3);
  assert.deepEqual(listener.frames, []);
});
