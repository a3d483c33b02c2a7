/** chatd's own clients, over each route to a server process. */
import assert from "node:assert/strict";
import { randomBytes } from "../../support/checks/files.ts";
import { essence, join, until } from "../../support/servers/person.ts";
import { jsonLines, ScriptUser } from "../../support/processes/script_user.ts";
import { type Route, startSite, transportTo } from "./routes.ts";

// A client that closes waits for the end of TLS at the other side, which may come in the next test.
Deno.test.sanitizer({ ops: false, resources: false });

const site = await startSite();
Deno.test.afterAll(async () => await site[Symbol.asyncDispose]());

function placeOf({ port, caFile }: Route): string[] {
  return ["--server", `localhost:${port}`, ...(caFile === undefined ? [] : ["--ca", caFile])];
}

site.routes.forEach((route, index) => {
  Deno.test(`two people chat in live sessions ${route.name}`, async () => {
    const transport = transportTo(route);
    const names = ["ana", "ben"].map((name) => `${name}${index}`);
    const [ana, ben] = await Promise.all(names.map((name) => join(name, transport)));
    const texts = Array.from({ length: 200 }, (_, i) => `${i} ${"ü".repeat(i * 10)}`);
    const sent = texts.flatMap((text) => [ana.client.send(names[1], text), ben.client.send(names[0], text)]);
    await Promise.all(sent);
    for (const person of [ana, ben]) await until(() => person.received.length === texts.length);
    assert.deepEqual(ana.received.map(({ text }) => text), texts);
    assert.deepEqual(ana.received.map(essence), ben.accepted.map(essence));
    assert.deepEqual(ben.received.map(essence), ana.accepted.map(essence));
    await ben.stop();
    await ana.stop();
  });

  Deno.test(`chatd send, tail and history work ${route.name}`, async () => {
    const place = placeOf(route);
    const options = { folder: `${site.folder}/${index}`, place };
    const [cleo, dan] = ["cleo", "dan"].map((name) => new ScriptUser(`${name}${index}`, options));
    for (const user of [cleo, dan]) {
      const { code, stderr } = await user.register();
      assert.equal(code, 0, stderr);
    }
    const content = randomBytes(300_000);
    Deno.writeFileSync(`${site.folder}/report`, content);
    const send = async (...words: string[]) => {
      const { code, stderr } = await cleo.run(["send", "--to", dan.user, ...words]);
      assert.equal(code, 0, stderr);
    };
    await send("hello");
    await using tail = dan.start("tail", "--json", "--since", "1h");
    await tail.line(/hello/);
    await send("--file", `${site.folder}/report`, "a file");
    await tail.line(/a file/);
    assert.deepEqual(jsonLines(tail.lines.join("\n")).map(({ text }) => text), ["hello", "a file"]);
    const { stdout } = await dan.run(["history", "--with", cleo.user, "--json"]);
    assert.deepEqual(jsonLines(stdout).map(({ text }) => text), ["hello", "a file"]);
  });
});
