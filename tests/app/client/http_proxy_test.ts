import assert from "node:assert/strict";
import { httpProxyFor } from "../../../src/app/client/http_proxy.ts";

function proxyFor(host: string, variables: Record<string, string>): string | undefined {
  return httpProxyFor(host, (name) => variables[name]);
}

Deno.test("the first of grpc_proxy, https_proxy and http_proxy names the proxy, without its password", () => {
  const all = { http_proxy: "http://c:1", https_proxy: "http://b", grpc_proxy: "http://user:secret@a:3128/" };
  assert.equal(proxyFor("chat.example", all), "a:3128");
  assert.equal(proxyFor("chat.example", { ...all, grpc_proxy: "" }), "b:80");
  assert.equal(proxyFor("chat.example", { HTTP_PROXY: "http://d", all_proxy: "http://e" }), undefined);
});

Deno.test("a proxy of another kind is one sentence that names the variable, and not its password", () => {
  const table: [string, RegExp][] = [
    ["socks5://user:secret@proxy:1080", /names a proxy of the kind socks5:\/\/,/],
    ["https://user:secret@proxy", /names a proxy of the kind https:\/\/,/],
    ["proxy.example:3128", /names no URL,/],
    ["user:secret@proxy:3128", /names no URL,/],
    ["10.0.0.1:3128", /names no URL,/],
    ["secret", /names no URL,/],
  ];
  for (const [value, kind] of table) {
    for (const name of ["grpc_proxy", "https_proxy", "http_proxy"]) {
      assert.throws(() => proxyFor("chat.example", { [name]: value }), (error: Error & { code: string }) => {
        assert.equal(error.code, "invalid_argument");
        assert.match(error.message, /^Cannot connect to chat\.example: the environment variable [^\n]+\.$/);
        assert.match(error.message, kind);
        assert.ok(error.message.includes(`variable ${name} `), error.message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
      for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1"]) {
        assert.equal(proxyFor(host, { [name]: value }), undefined, "loopback is never proxied");
      }
    }
  }
});

Deno.test("no_proxy excepts hosts, their domains, networks and everything", () => {
  const excepts = (host: string, list: string, name = "no_proxy") =>
    proxyFor(host, { http_proxy: "http://proxy", [name]: list }) === undefined;
  const excepted: [string, string][] = [
    ["chat.example.org", "chat.example.org"],
    ["chat.example.org", "other, example.org"],
    ["chat.example.org", ".example.org"],
    ["chat.example.org", "*.EXAMPLE.org"],
    ["10.1.2.3", "10.0.0.0/8"],
    ["10.1.2.3", "10.1.2.3"],
    ["fd00::7", "fd00::/8"],
    ["anything", "*"],
  ];
  for (const [host, list] of excepted) assert.ok(excepts(host, list), `${host} in ${list}`);
  const proxied: [string, string][] = [
    ["chat.example.org", "ample.org"],
    ["example.org", "chat.example.org"],
    ["chat.example.org", ""],
    ["chat.example.org", ","],
    ["chat.example.org", "10.0.0.0/8"],
    ["11.1.2.3", "10.0.0.0/8"],
    ["10.1.2.3", "10.0.0.0/99, 10.0.0.0/x, fd00::/8"],
    ["11.1.2.3", "10.0.0.0/, 10.0.0.0/ 0, 10.0.0.0/0x0"],
    ["110.1.2.3", "10.1.2.3"],
  ];
  for (const [host, list] of proxied) assert.ok(!excepts(host, list), `${host} not in ${list}`);
  assert.ok(excepts("chat.example.org", "example.org", "no_grpc_proxy"));
});
