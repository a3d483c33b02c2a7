import { ProcessGuard } from "../../../src/host/process_guard.ts";
import { eventually } from "../waiting/eventually.ts";

/** Whether there is a tmux to test with. */
export const hasTmux = await new Deno.Command("tmux", { args: ["-V"], stdout: "null", stderr: "null" }).output()
  .then(({ success }) => success, () => false);

export interface TmuxOptions {
  /** The folder for the socket of this tmux: a temporary one, which is removed if the tests are killed. */
  folder: string;
  columns: number;
  rows: number;
  /** Whether it reports to programs that its pane got or lost the focus, which it has only while a client is attached. */
  focusEvents?: boolean;
}

/** A terminal emulator with a shell in it. It ends also when the tests are killed. */
export class Tmux implements AsyncDisposable {
  readonly #socket: string;
  readonly #guard: ProcessGuard;

  private constructor(folder: string) {
    this.#socket = `${folder}/tmux-${crypto.randomUUID().slice(0, 8)}`;
    this.#guard = new ProcessGuard(folder);
  }

  static async start({ folder, columns, rows, focusEvents = false }: TmuxOptions): Promise<Tmux> {
    const tmux = new Tmux(folder);
    await tmux.#run("-f", "/dev/null", "new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, "env PS1='$ ' sh");
    await tmux.#guard.watch([Number(await tmux.#run("display-message", "-p", "#{pid}"))]);
    if (focusEvents) await tmux.#run("set-option", "-g", "focus-events", "on");
    // Text that is typed before the prompt stands before it on the screen.
    await tmux.sees(/^\$\s*$/);
    return tmux;
  }

  /** Types text literally, then presses keys, such as "Enter" or "C-c". */
  async type(text: string, ...keys: string[]): Promise<void> {
    if (text !== "") await this.#run("send-keys", "-l", text);
    if (keys.length > 0) await this.#run("send-keys", ...keys);
  }

  /** Pastes text in brackets (bracketed paste), as terminals do for programs that ask for it. */
  async paste(text: string): Promise<void> {
    await this.#run("set-buffer", text);
    await this.#run("paste-buffer", "-p");
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#run("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  }

  /** Returns all rows, including those that scrolled away, without empty rows at the end. */
  async lines(): Promise<string[]> {
    return (await this.#run("capture-pane", "-p", "-S", "-1000")).trimEnd().split("\n");
  }

  /** Returns the screen with its colours, as escape sequences. */
  async styledScreen(): Promise<string> {
    return await this.#run("capture-pane", "-p", "-e");
  }

  /** Returns whether the program shows the second screen and gets reports of the mouse. */
  async modes(): Promise<string> {
    return (await this.#run("display-message", "-p", "alternate #{alternate_on}, mouse #{mouse_any_flag}")).trim();
  }

  async sees(expected: RegExp): Promise<void> {
    let seen = "";
    const looks = async () => expected.test(seen = (await this.lines()).join("\n"));
    await eventually(looks, () => `${expected} in\n${seen}`);
  }

  /** Closes the terminal, and waits for the processes in it: they may write files as they end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const session = (await this.#run("display-message", "-p", "#{pane_pid}").catch(() => "")).trim();
    await this.#run("kill-server").catch(() => {});
    if (session !== "") await eventually(async () => !(await sessions()).includes(session), () => "it has ended");
    await this.#guard.end();
  }

  async #run(...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", { args: ["-u", "-S", this.#socket, ...args] })
      .output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`tmux ${args[0]}: ${decoder.decode(stderr)}`);
    return decoder.decode(stdout);
  }
}

/** Returns the session ids of all processes that have not ended. */
async function sessions(): Promise<string[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-A", "-o", "sess=,stat="] }).output();
  const lines = new TextDecoder().decode(stdout).split("\n").map((line) => line.trim().split(/\s+/));
  // A process whose parent never asks for its status stays as a zombie.
  return lines.filter(([, state]) => !state?.startsWith("Z")).map(([session]) => session);
}
