import assert from "node:assert/strict";
import { commandPages } from "../../packaging/command_pages.ts";
import { manualPage } from "../../packaging/man.ts";
import { exitCode } from "../../src/commands/exit_code.ts";

const committed = () => Deno.readTextFileSync(new URL("../../packaging/chatd.1", import.meta.url));

Deno.test("the manual page is up to date with the command table", () => {
  assert.equal(committed(), manualPage(), "run: deno task man");
});

Deno.test("the manual page has every command, and every exit code", () => {
  const headings = [...committed().matchAll(/^\.SS chatd (.*)$/gm)].map(([, name]) => name.replaceAll("\\-", "-"));
  assert.deepEqual(headings, [...commandPages().slice(1).map(({ path }) => path.join(" ")), "completion SHELL"]);
  const [, status] = /^\.SH EXIT STATUS\n([^]*?)^\.SH/m.exec(committed())!;
  const codes = [...status.matchAll(/^\.B (\d+)$/gm)].map(([, code]) => Number(code));
  assert.deepEqual(codes, Object.values(exitCode).toSorted((one, other) => one - other));
});

Deno.test("groff finds nothing wrong with the manual page", { ignore: !hasGroff() }, async () => {
  const groff = new Deno.Command("groff", { args: ["-man", "-ww", "-z", "-"], stdin: "piped", stderr: "piped" })
    .spawn();
  const writer = groff.stdin.getWriter();
  await writer.write(new TextEncoder().encode(committed()));
  await writer.close();
  const { code, stderr } = await groff.output();
  assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
});

function hasGroff(): boolean {
  try {
    return new Deno.Command("groff", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
