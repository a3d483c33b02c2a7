/** What containers are told to run. Docker itself is not needed, and not tried. */
import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";

const read = (path: string): string => Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));

function commandOf(args: readonly string[]): string {
  const output = { stdout: () => {}, stderr: (text: string) => assert.fail(text), colors: false, width: undefined };
  const invocation = parseCommandLine(args, { env: () => undefined, output });
  assert.ok(typeof invocation === "object");
  return invocation.command;
}

/** The items of lists of YAML after `command:`, on one line or one on each. */
function commandsIn(yaml: string): readonly string[][] {
  return [...yaml.matchAll(/^ +command:(?: \[(.*)\]|((?:\n +- .*)+))$/gm)].map(([, row, column]) =>
    (row === undefined ? column.trim().split(/\n +/).map((line) => line.slice(2)) : row.split(", "))
      .map((item) => item.replaceAll('"', ""))
  );
}

Deno.test("the services of compose.yaml are command lines that chatd understands", () => {
  assert.deepEqual(commandsIn(read("compose.yaml")).map(commandOf), ["broker-config", "serve", "doctor"]);
});

Deno.test("the image serves as a user of its own, and is built with the pinned version of Deno", () => {
  const dockerfile = read("Dockerfile");
  assert.equal(commandOf(JSON.parse(/^CMD (.*)$/m.exec(dockerfile)![1])), "serve");
  assert.match(dockerfile, /^USER chatd\n[^]*^ENTRYPOINT \["chatd"\]$/m);
  assert.equal(/^FROM denoland\/deno:(\S+) AS build$/m.exec(dockerfile)![1], read(".deno-version").trim());
});

Deno.test("the image is built of files that the build may see", () => {
  const seen = read(".dockerignore").split("\n").filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const copied = [...read("Dockerfile").matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files]) =>
    files.split(" ")
  );
  assert.deepEqual(copied.toSorted(), seen.toSorted());
});
