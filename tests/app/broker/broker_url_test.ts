import assert from "node:assert/strict";
import { parseBrokerUrl } from "../../../src/app/broker/broker_url.ts";

Deno.test("parseBrokerUrl() reads the address with default ports, the virtual host and the login", () => {
  assert.deepEqual(parseBrokerUrl("amqp://127.0.0.1"), {
    address: { tls: false, host: "127.0.0.1", port: 5672, vhost: "/" },
  });
  assert.deepEqual(parseBrokerUrl("amqps://u%40x:p%2Fw@[::1]:9/my%2Fchat"), {
    address: { tls: true, host: "::1", port: 9, vhost: "my/chat" },
    user: "u@x",
    login: { user: "u@x", password: "p/w" },
  });
  assert.deepEqual(parseBrokerUrl("amqp://u@h:1"), {
    address: { tls: false, host: "h", port: 1, vhost: "/" },
    user: "u",
  });
  assert.equal(parseBrokerUrl("amqps://broker.example/").address.port, 5671);
  assert.equal(parseBrokerUrl("amqps://broker.example/").address.vhost, "/");
});

Deno.test("parseBrokerUrl() refuses an invalid URL without repeating its password", () => {
  for (
    const wrong of [
      "",
      "127.0.0.1:5672",
      "http://u:geheim@h",
      "amqp://",
      "amqp://u:geheim@h:99999",
      "amqp://u:geheim@h/a/b",
      "amqp://u:geheim@h/?heartbeat=0",
      "amqp://u:geheim%zz@h",
    ]
  ) {
    assert.throws(() => parseBrokerUrl(wrong), (error) => {
      assert.ok(error instanceof SyntaxError, `${wrong}: ${error}`);
      assert.doesNotMatch(error.message, /geheim/);
      return true;
    });
  }
});
