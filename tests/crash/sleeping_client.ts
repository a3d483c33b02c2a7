import { ClientState } from "../../src/app/client/client_state.ts";
import { Child } from "../support/processes/child_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import type { Person } from "../support/servers/person.ts";

export interface SleepingClientOptions {
  user: string;
  /** Of a device of the user. */
  token: string;
  /** On 127.0.0.1. */
  port: number;
  /** Options of chatd besides these. */
  args?: readonly string[];
  /** Whom it writes to. A client that only reads unless given. */
  to?: string;
  /** An empty folder for its login. */
  folder: string;
  /** The path of the `deno` that runs it. */
  deno: string;
}

/** How a client that slept ended, or undefined when it lives and talks. */
export type Loss = string | undefined;

/** A chatd client with a live session, in a process of its own that can be stopped and continued. */
export class SleepingClient implements AsyncDisposable {
  readonly user: string;
  readonly #child: Child;
  readonly #writes: boolean;
  #end: Deno.CommandStatus | undefined;

  constructor({ user, token, port, args = [], to, folder, deno }: SleepingClientOptions) {
    const server = `127.0.0.1:${port}`;
    new ClientState({ server, user, folder: `${folder}/chatd` }).update((saved) => ({ ...saved, token }));
    const command = to === undefined ? ["tail"] : ["grpc-client", "--plain", "--to", to];
    this.user = user;
    this.#writes = to !== undefined;
    this.#child = new Child({
      args: [...command, "--user", user, "--server", server, ...args],
      env: { XDG_STATE_HOME: folder },
      deno,
    });
    void this.#child.status.then((status) => this.#end = status);
  }

  sleep(): void {
    this.#signal("SIGSTOP");
  }

  wake(): void {
    this.#signal("SIGCONT");
  }

  /** Exchanges a new message with a friend, who is its `to`. Returns why there was none within the deadline. */
  async talk(friend: Person, deadlineMs: number): Promise<Loss> {
    const text = crypto.randomUUID();
    const arrived = this.#writes ? await this.#write(text, friend) : await this.#read(text, friend, deadlineMs);
    try {
      await eventually(() => this.#end !== undefined || arrived(), undefined, deadlineMs);
    } catch {
      return `no message in ${deadlineMs / 1000} s: ${this.#child.lines.slice(-3).join(" / ")}`;
    }
    return this.loss();
  }

  /** Why the process has ended; undefined while it lives. */
  loss(): Loss {
    if (this.#end === undefined) return undefined;
    const { signal, code } = this.#end;
    return `${signal ?? `exit ${code}`}: ${this.#child.lines.slice(-3).join(" / ") || "nothing on stderr"}`;
  }

  async #write(text: string, friend: Person): Promise<() => boolean> {
    await this.#child.write(`${text}\n`).catch(() => {});
    return () => friend.received.some((message) => message.text === text);
  }

  /** A consumer that never was online begins with the messages that come afterwards, so the friend says it again. */
  #read(text: string, friend: Person, deadlineMs: number): Promise<() => boolean> {
    const end = performance.now() + deadlineMs;
    const arrived = () => this.#child.lines.some((line) => line.includes(text));
    const repeat = async () => {
      while (!arrived() && this.#end === undefined && performance.now() < end) {
        await friend.client.send(this.user, text);
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    };
    void repeat().catch(() => {});
    return Promise.resolve(arrived);
  }

  #signal(signal: Deno.Signal): void {
    if (this.#end === undefined) this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
