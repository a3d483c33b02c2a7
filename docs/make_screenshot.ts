/** Draws docs/screenshot.svg from a real screen: a server, three people in tmux, and the screen of one of them. */
import xterm from "@xterm/headless";
import { fileURLToPath } from "node:url";
import { runChatd } from "../tests/support/processes/chatd_process.ts";
import { ServerProcess } from "../tests/support/processes/server_process.ts";
import { temporaryFolder } from "../tests/support/checks/temporary_folder.ts";
import { Tmux } from "../tests/support/processes/tmux.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const [columns, rows] = [100, 20];
const [cellWidth, cellHeight] = [9, 19];
const colours = { text: "#d8dee9", background: "#1e2229", dim: "#8a919e", bar: "#cfd6e1" };
const basic = ["#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9"];
const steps = [0, 95, 135, 175, 215, 255];
const password = "correct horse";

interface Person {
  readonly name: string;
  readonly terminal: Tmux;
}

async function join(name: string, { folder, port }: { folder: string; port: number }): Promise<Person> {
  const data = `${folder}/data`;
  await runChatd({ args: ["user", "add", name, "--data", data], env: { CHATD_PASSWORD: password } });
  const state = { CHATD_PASSWORD: password, XDG_STATE_HOME: `${folder}/${name}` };
  // Logs in, and sends nothing.
  const server = ["--server", `127.0.0.1:${port}`, "--user", name];
  await runChatd({ args: ["grpc-client", ...server, "--to", name], env: state, input: "" });
  const terminal = await Tmux.start({ folder, columns, rows });
  const run = `"${Deno.execPath()}" run --quiet --no-check --cached-only -A "${root}main.ts"`;
  const environment = `TERM=tmux-256color XDG_STATE_HOME="${folder}/${name}"`;
  await terminal.type(`${environment} ${run} grpc-client ${server.join(" ")}`, "Enter");
  await terminal.sees(/│/);
  await terminal.sees(/online/);
  return { name, terminal };
}

async function say({ name, terminal }: Person, text: string): Promise<void> {
  await terminal.type(text, "Enter");
  await terminal.sees(new RegExp(`${name}: [^]*${RegExp.escape(text.slice(-12))}`));
}

async function scene(folder: string): Promise<string> {
  await using server = await ServerProcess.start({ folder: `${folder}/data` });
  const at = { folder, port: server.port };
  const people = [await join("ana", at), await join("ben", at), await join("cat", at)];
  const [ana, ben, cat] = people;
  try {
    await ana.terminal.type("/create #ops", "Enter");
    await ana.terminal.sees(/\[#ops\]/);
    await ana.terminal.type("/topic Deploys, alerts and coffee", "Enter");
    for (const { terminal } of [ben, cat]) {
      await terminal.type("/join #ops", "Enter");
      await terminal.sees(/\[#ops\]/);
    }
    await say(ben, "Good morning! 2.4 is deployed, all checks are green 🎉");
    await say(cat, "Nice. The queue is short, and names like 漢字 work now.");
    await say(ana, "Thanks, both. Let us write down what we learned, so that the next deploy is an hour shorter.");
    await cat.terminal.type("/react 5 👍", "Enter");
    await ana.terminal.type("/react 5 👍", "Enter");
    await ana.terminal.sees(/👍 2/);
    await ben.terminal.type("/msg ana Do you have a minute?", "Enter");
    await ben.terminal.sees(/ana\]/);
    await cat.terminal.type("/msg ana Lunch at noon?", "Enter");
    await ana.terminal.sees(/cat +1│/);
    await ana.terminal.type("", "M-a");
    await ana.terminal.sees(/\[(ben|cat)\]/);
    await ana.terminal.type("/to #ops", "Enter");
    await ana.terminal.sees(/\[#ops\]/);
    await ben.terminal.type("/to #ops", "Enter");
    await ben.terminal.sees(/\[#ops\]/);
    await say(ben, "@ana good idea, I started a list. Please add to it.");
    await ana.terminal.sees(/add to it/);
    await ana.terminal.type("I will add the part about the ");
    await ana.terminal.sees(/part about the/);
    return await ana.terminal.styledScreen();
  } finally {
    for (const { terminal } of people) await terminal[Symbol.asyncDispose]();
  }
}

/** CSS colour of one of the 256. */
function colour(index: number): string {
  if (index < 16) return basic[index % 8];
  if (index >= 232) return `rgb(${Array(3).fill(8 + (index - 232) * 10).join(",")})`;
  const cube = index - 16;
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((step) => steps[step]).join(",")})`;
}

async function svg(styled: string): Promise<string> {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(styled.trimEnd().replaceAll("\n", "\r\n"), resolve));
  const cells: string[] = [];
  for (let row = 0; row < rows; row++) {
    const line = terminal.buffer.active.getLine(row);
    for (let column = 0; line && column < columns; column++) {
      const cell = line.getCell(column)!;
      const [x, y] = [column * cellWidth, row * cellHeight];
      const inverse = cell.isInverse() !== 0;
      if (inverse) {
        cells.push(`<rect x="${x}" y="${y}" width="${cellWidth + 0.5}" height="${cellHeight}" fill="${colours.bar}"/>`);
      }
      const text = cell.getChars();
      if (text.trim() === "") continue;
      const own = cell.isFgPalette() ? colour(cell.getFgColor()) : cell.isDim() ? colours.dim : colours.text;
      const weight = cell.isBold() ? ' font-weight="bold"' : "";
      const shown = text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
      cells.push(`<text x="${x}" y="${y + 14}"${weight} fill="${inverse ? colours.background : own}">${shown}</text>`);
    }
  }
  terminal.dispose();
  const [width, height] = [columns * cellWidth + 20, rows * cellHeight + 20];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `role="img" aria-label="The terminal client: conversations on the left, messages, a status bar and the input line">\n` +
    `<rect width="100%" height="100%" rx="8" fill="${colours.background}"/>\n` +
    `<g transform="translate(10 10)" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="15">\n` +
    `${cells.join("\n")}\n</g>\n</svg>\n`;
}

using folder = temporaryFolder();
Deno.writeTextFileSync(`${root}docs/screenshot.svg`, await svg(await scene(folder.path)));
