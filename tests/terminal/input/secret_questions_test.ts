import assert from "node:assert/strict";
import { SecretQuestions } from "../../../src/terminal/input/secret_questions.ts";

Deno.test("a secret question is answered by the typed line, and refused by Ctrl-C or an empty line", async () => {
  const questions = new SecretQuestions(() => {});
  const first = questions.ask("Password: ");
  assert.equal(questions.text, "Password: ");
  questions.apply({ kind: "text", text: "correct horse" });
  questions.apply({ kind: "command", command: "submit" });
  assert.equal(questions.text, undefined);
  assert.equal(await first, "correct horse");
  const second = questions.ask("Password: ");
  questions.apply({ kind: "text", text: "x" });
  questions.apply({ kind: "command", command: "interrupt" });
  questions.apply({ kind: "command", command: "interrupt" });
  assert.equal(await second, undefined);
  const third = questions.ask("Password: ");
  questions.apply({ kind: "command", command: "submit" });
  assert.equal(await third, undefined);
});

Deno.test("another question refuses the open one, and closing refuses all", async () => {
  let changes = 0;
  const questions = new SecretQuestions(() => changes++);
  const first = questions.ask("Old password: ");
  const second = questions.ask("New password: ");
  assert.equal(await first, undefined);
  assert.equal(questions.text, "New password: ");
  questions.close();
  assert.equal(await second, undefined);
  assert.equal(await questions.ask("Again: "), undefined);
  assert.equal(questions.text, undefined);
  assert.ok(changes >= 3);
});
