/** Command lines of chatd in documents, against the command table: whatever they name exists. */
import assert from "node:assert/strict";
import { commandPages, optionNames } from "../packaging/command_pages.ts";
import { parseCommandLine } from "../src/cli/command_line.ts";
import { variableOf } from "../src/commands/options/environment.ts";
import { documents, inlineCode, readDocument, shellBlocks } from "./support/checks/documents.ts";
import { shellCommands } from "./support/processes/shell_commands.ts";

const pages = commandPages();
/** Of every command. */
const everywhere = ["--help", "--version", "-h", "-V"];
const allOptions = new Set([...everywhere, ...pages.flatMap(optionNames)]);
const tasks: Readonly<Record<string, readonly string[]>> = { start: ["serve"], chat: ["grpc-client"], user: ["user"] };
/** Options of other programs that documents speak of. */
const foreignOptions =
  /^--(prefix|exclude-unused-npm|allow-[a-z]+|no-prompt|cached-only|target|sanitize-[a-z]+|minimum-dependency-age|env-file)$/;
const releaseSteps = readDocument(".github/workflows/release.yml");
const foreignVariables = /^CHATD_(CRASH_|TEST_|INSTALL_URL$)/;

/** What chatd is given by a simple command, also one that goes through `deno task` or sudo; undefined for other programs. */
function chatdArguments(words: readonly string[]): readonly string[] | undefined {
  const [program, ...rest] = words.filter((word, i) => !/^[A-Z_]+=/.test(word) || words.slice(0, i).includes("chatd"));
  if (program === "sudo") return chatdArguments(rest[0] === "-u" ? rest.slice(2) : rest);
  if (program === "chatd" || program?.endsWith("/chatd")) return rest;
  if (program === "docker" && /^(run|exec)$/.test(rest[0])) return rest.slice(rest.lastIndexOf("chatd") + 1);
  if (program === "npx" && rest[0] === "chatd") return rest.slice(1);
  if (program === "npx" && rest[0] === "-y") return chatdArguments(["deno", ...rest.slice(2)]);
  if (program === "deno" && rest[0] === "task") return tasks[rest[1]] && [...tasks[rest[1]], ...rest.slice(2)];
  return undefined;
}

/** What is wrong with a command line; undefined when it can be understood. */
function mistakeIn(args: readonly string[]): string | undefined {
  let said = "";
  const note = (text: string) => void (said += text);
  const output = { stdout: () => {}, stderr: note, colors: false, width: undefined };
  const parsed = parseCommandLine(args, { env: () => undefined, output });
  return parsed === 0 || typeof parsed === "object" ? undefined : said;
}

Deno.test("every command line of chatd in a block for the shell is one that chatd understands", () => {
  const lines = documents().flatMap(shellBlocks).flatMap(({ script, place }) =>
    shellCommands(script).flatMap((words) => {
      const args = chatdArguments(words);
      return args === undefined ? [] : [{ args, place, mistake: mistakeIn(args) }];
    })
  );
  assert.ok(lines.length > 20, `only ${lines.length} found`);
  assert.deepEqual(lines.filter(({ mistake }) => mistake !== undefined), []);
});

Deno.test("what is not a command line of chatd is found out", () => {
  assert.deepEqual(
    shellCommands("df -h / | chatd send --to 'a b' # x\n(umask 077 && chatd x > f)\nsudo -u chatd chatd \\\n y &"),
    [
      ["df", "-h", "/"],
      ["chatd", "send", "--to", "a b"],
      ["umask", "077"],
      ["chatd", "x"],
      ["sudo", "-u", "chatd", "chatd", "y"],
    ],
  );
  assert.deepEqual(chatdArguments(["sudo", "-u", "chatd", "/usr/bin/chatd", "user", "list"]), ["user", "list"]);
  assert.deepEqual(chatdArguments(["npx", "-y", "deno@1.0.0", "task", "chat", "--user", "ana"]), [
    "grpc-client",
    "--user",
    "ana",
  ]);
  assert.match(mistakeIn(["serve", "--lissten", "127.0.0.1:1"]) ?? "", /--lissten/);
  assert.match(mistakeIn(["user", "ad", "ana"]) ?? "", /ad/);
});

Deno.test("a package that npm installs from a file is named by a path that npm does not take for a repository", () => {
  const named = [...documents().flatMap(shellBlocks), { script: releaseSteps, place: "release.yml" }].flatMap(
    ({ script, place }) => [...script.matchAll(/\bnpm install .*?(\S+\.tgz)/g)].map(([, path]) => ({ path, place })),
  );
  assert.ok(named.length >= 3, `only ${named.length} found`);
  assert.deepEqual(named.filter(({ path }) => !/^(\.\/|\/)/.test(path)), []);
});

/** Commands that a span of code such as `chatd user add|list NAME` names, without the rest. */
function commandsNamed(code: string): { path: readonly string[]; options: readonly string[] }[] {
  const words = code.split(/\s+/).slice(1);
  const options = words.flatMap((word) => /^\[?(--[a-z-]+)/.exec(word)?.[1] ?? []);
  let paths: string[][] = [[]];
  for (const word of words) {
    const alternatives = word.replaceAll("\\|", "|").split("|");
    if (!alternatives.every((name) => /^[a-z][a-z-]*$/.test(name))) break;
    if (!paths.some((path) => pages.some((page) => isPath(page.path, path) && page.subcommands.length > 0))) break;
    paths = paths.flatMap((path) => alternatives.map((name) => [...path, name]));
  }
  return paths.map((path) => ({ path, options }));
}

function isPath(one: readonly string[], other: readonly string[]): boolean {
  return one.join(" ") === other.join(" ");
}

Deno.test("every command that a sentence names exists, with the options that stand behind it", () => {
  const unknown = documents().concat("CHANGELOG.md").flatMap((document) =>
    inlineCode(document).filter((code) => /^chatd [a-z]/.test(code)).flatMap((code) =>
      commandsNamed(code).flatMap(({ path, options }) => {
        if (path[0] === "completion" || path[0] === "help" || path[0] === "COMMAND") return [];
        const page = pages.find((page) => isPath(page.path, path));
        if (page === undefined) return [`${document}: ${code}`];
        const known = [
          ...everywhere,
          ...pages.filter((page) => path.every((w, i) => page.path[i] === w)).flatMap(optionNames),
        ];
        return options.filter((option) => !known.includes(option)).map((option) => `${document}: ${code}: ${option}`);
      })
    )
  );
  assert.deepEqual(unknown, []);
});

Deno.test("every option and every variable that a sentence names exists", () => {
  const variables = new Set(
    [...allOptions].filter((name) => name.startsWith("--")).map((name) => variableOf(name as "--x")),
  );
  variables.add("CHATD_PASSWORD");
  variables.add("CHATD_NEW_PASSWORD");
  variables.add("CHATD_GRPC_JS");
  // What a command that `chatd bot` runs is told.
  for (const [, name] of readDocument("src/commands/bot/bot.ts").matchAll(/^ +(CHATD_[A-Z_]+):/gm)) variables.add(name);
  const unknown = documents().concat("CHANGELOG.md", "compose.yaml", "examples/chatd.toml").flatMap((document) => {
    const code = document.endsWith(".md") ? inlineCode(document) : [];
    const options = code.flatMap((code) => /^(--[a-z][a-z-]*)/.exec(code)?.[1] ?? []);
    const named = [...readDocument(document).matchAll(/\bCHATD_[A-Z_]*[A-Z]\b/g)].map(([name]) => name);
    return [
      ...options.filter((name) => !allOptions.has(name) && !foreignOptions.test(name)),
      ...named.filter((name) => !variables.has(name) && !foreignVariables.test(name)),
    ].map((name) => `${document}: ${name}`);
  });
  assert.deepEqual(unknown, []);
});
