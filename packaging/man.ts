/**
 * Writes the manual page from the command table:
 *
 *     deno task man    # packaging/chatd.1
 */
import type { DocEntry } from "@optique/core/doc";
import { formatMessage, type Message } from "@optique/core/message";
import { formatUsage, type Usage, type UsageTerm } from "@optique/core/usage";
import { exitCode, exitCodeMeanings } from "../src/commands/exit_code.ts";
import { version } from "../src/host/version.ts";
import { type CommandPage, commandPages, startsWithCommand } from "./command_pages.ts";

/** The manual page of chatd(1), in the man(7) macros. */
export function manualPage(): string {
  const pages = commandPages();
  const names = Object.keys(exitCode) as (keyof typeof exitCode)[];
  const lines = [
    `.TH CHATD 1 "" ${quoted(`chatd ${version}`)} "User Commands"`,
    ".SH NAME",
    "chatd \\- self-hosted chat in one executable",
    ".SH SYNOPSIS",
    ...pages.filter(({ runs }) => runs).flatMap((page) => [synopsis(page), ".br"]).slice(
      0,
      -1,
    ),
    ".SH DESCRIPTION",
    roff(
      "Servers, clients and tools of a chat are commands of one program. Options can also be set through the environment " +
        "variables in parentheses; the command line comes first, then the environment, then the configuration file. " +
        '"chatd help COMMAND" shows the same text for a command.',
    ),
    ".SH COMMANDS",
    ...pages.flatMap(describeCommand),
    ".SS chatd completion SHELL",
    roff("Prints a completion script for bash, zsh, fish, nu or pwsh."),
    ".SH ENVIRONMENT",
    ".TP",
    ".B CHATD_PASSWORD",
    roff("The password of the user, for commands that would ask for one."),
    ".TP",
    ".B CHATD_NEW_PASSWORD",
    roff("The new password, for chatd passwd."),
    ".TP",
    ".B CHATD_GRPC_JS",
    roff("If not empty, clients use grpc-js instead of chatd's own HTTP/2."),
    ".TP",
    ".B grpc_proxy, https_proxy, http_proxy",
    roff("An HTTP proxy for clients over gRPC, which use grpc-js then."),
    ".TP",
    ".B NO_COLOR",
    roff("Disables colors."),
    ".SH EXIT STATUS",
    ...names.flatMap((name) => [".TP", `.B ${exitCode[name]}`, roff(exitCodeMeanings[name])]),
    ".SH FILES",
    ".TP",
    ".I ./data",
    roff("The server's data folder, unless --data names another."),
    ".TP",
    ".I $XDG_STATE_HOME/chatd",
    roff("Where clients keep their tokens and positions; ~/.local/state/chatd where the variable is not set."),
  ];
  return `${lines.join("\n")}\n`;
}

function describeCommand({ path, page, runs }: CommandPage): readonly string[] {
  if (path.length === 0) return [];
  const description = (page.description ?? page.brief ?? []) as Message;
  const options = page.sections.flatMap(({ entries }) => entries).filter(({ term }) => term.type !== "command");
  return [
    `.SS chatd ${roff(path.join(" "))}`,
    roff(plain(description)),
    ...(runs ? options.flatMap(describeEntry) : []),
  ];
}

function describeEntry({ term, description, default: standard, choices }: DocEntry): readonly string[] {
  const head = term.type === "option"
    ? term.names.map((name) => `\\fB${roff(name)}\\fR`).join(", ") +
      (term.metavar === undefined ? "" : ` \\fI${roff(term.metavar)}\\fR`)
    : term.type === "argument"
    ? `\\fI${roff(term.metavar)}\\fR`
    : undefined;
  if (head === undefined) return [];
  const more = [
    choices === undefined || choices.length === 0 ? "" : ` One of ${plain(choices)}.`,
    standard === undefined || standard.length === 0 ? "" : ` Unless given: ${plain(standard)}.`,
  ].join("");
  return [".TP", head, roff(`${plain(description ?? [])}.${more}`)];
}

function synopsis({ path, page }: CommandPage): string {
  const terms = (page.usage ?? []).slice(path.length).flatMap(ownTerms);
  const operands = formatUsage("chatd", terms.filter(isOperand) as Usage, {
    colors: false,
  });
  return `\\fBchatd ${roff(path.join(" "))}\\fR [\\fIOPTIONS\\fR] ${roff(operands.replace("chatd", "").trim())}`.trim();
}

/** Returns the terms of a command itself, where its subcommands are alternatives. */
function ownTerms(term: UsageTerm): readonly UsageTerm[] {
  return term.type === "exclusive" ? term.terms.filter((terms) => !startsWithCommand(terms)).flat() : [term];
}

function isOperand(term: UsageTerm): boolean {
  if (term.type === "optional" || term.type === "multiple") return term.terms.some(isOperand);
  return term.type === "argument";
}

function plain(message: Message): string {
  return formatMessage(message, { colors: false, quotes: false }).replaceAll(/\s+/g, " ").trim();
}

/** Text as roff takes it: no backslash, hyphen, or dot at the beginning means anything, and all of it is ASCII. */
function roff(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/, "\\&");
  return escaped.replaceAll(/[^\0-\x7f]/gu, (character) => {
    return `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}

function quoted(text: string): string {
  return `"${roff(text)}"`;
}

if (import.meta.main) Deno.writeTextFileSync(new URL("chatd.1", import.meta.url), manualPage());
