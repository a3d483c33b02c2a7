import { Child } from "./child_process.ts";
import { type ChatdResult, runChatd } from "./chatd_process.ts";

export const scriptPassword = "correct horse battery";

/** Somebody who uses the commands for scripts, with a folder for their logins. */
export class ScriptUser {
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly place: readonly string[];

  /** @param place which way to go where: `["--server", "127.0.0.1:50051"]` */
  constructor(user: string, { folder, place }: { folder: string; place: readonly string[] }) {
    this.user = user;
    this.place = place;
    this.env = { XDG_STATE_HOME: `${folder}/${user}`, PATH: Deno.env.get("PATH")! };
  }

  /** Registers, and keeps it as the default profile, or that of a name. */
  async register(...more: string[]): Promise<ChatdResult> {
    const args = ["login", "--user", this.user, "--invite", "any", ...this.place, ...more];
    return await runChatd({ args, env: { ...this.env, CHATD_PASSWORD: scriptPassword } });
  }

  async run(args: readonly string[], input?: string): Promise<ChatdResult> {
    return await runChatd({ args, env: this.env, input });
  }

  /** A command that goes on beside the test. */
  start(...args: string[]): Child {
    return new Child({ args, env: this.env });
  }
}

/** The objects in lines of JSON. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
