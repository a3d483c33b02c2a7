import { socketsOf } from "../processes/child_process.ts";
import { debianPackages, requireDebianPackages } from "../processes/debian_package.ts";
import { freePorts } from "../processes/free_ports.ts";
import { readDocument } from "../checks/documents.ts";
import { eventually } from "../waiting/eventually.ts";

export interface ReverseProxyOptions {
  /** Of a chatd without TLS on 127.0.0.1. */
  readonly serverPort: number;
  /** Holds the configuration; removed by its owner. */
  readonly folder: string;
  /** Files in PEM that the proxy shows to clients. */
  readonly certificate: { readonly chain: string; readonly key: string };
  /** Changes the documented configuration. */
  readonly change?: (config: string) => string;
}

/** A private reverse proxy before a chatd, configured as docs/reverse-proxy.md says. */
export abstract class ReverseProxy implements AsyncDisposable {
  readonly name: "nginx" | "haproxy";
  protected readonly options: ReverseProxyOptions;
  /** The processes that were started, the newest last. */
  protected readonly children: Deno.ChildProcess[] = [];
  /** Its log so far. */
  protected log = "";
  readonly #configPath: string;
  #port: number | undefined;
  readonly #output: Promise<void>[] = [];

  protected constructor(name: "nginx" | "haproxy", options: ReverseProxyOptions) {
    requireDebianPackages([name], "clients reach a server through it in these tests");
    this.name = name;
    this.options = options;
    this.#configPath = Deno.makeTempFileSync({ dir: options.folder, prefix: `${name}-`, suffix: ".conf" });
  }

  /** The port for clients. */
  get port(): number {
    if (this.#port === undefined) throw new TypeError("the proxy was not started");
    return this.#port;
  }

  /** Starts again with the same configuration, in order; those who are connected stay as long as it lets them. */
  abstract reload(): Promise<void>;

  protected abstract completeConfig(documented: string): string;

  protected abstract args(configPath: string): readonly string[];

  /** Resolves when it listens. @throws {Error} with its log when it ends or takes too long. */
  protected async start(...more: string[]): Promise<void> {
    this.#port ??= (await freePorts(1))[0];
    const { change = (config: string) => config } = this.options;
    Deno.writeTextFileSync(this.#configPath, change(this.completeConfig(documentedConfig(this.name))));
    const child = new Deno.Command(debianPackages[this.name], {
      args: [...this.args(this.#configPath), ...more],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let hasEnded = false;
    void child.status.then(() => hasEnded = true);
    this.children.push(child);
    this.#output.push(this.#read(child.stderr));
    await eventually(() => {
      if (hasEnded) throw new Error(`${this.name} ended: ${this.log}`);
      return socketsOf(child.pid).listening > 0;
    }, () => this.log);
  }

  async #read(stderr: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stderr.pipeThrough(new TextDecoderStream())) this.log += text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.children) {
      try {
        // Both end at once, with the processes that they started.
        child.kill("SIGTERM");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }
    await Promise.all([...this.children.map(({ status }) => status), ...this.#output]);
  }
}

/** Returns the configuration that the document shows for a proxy. */
function documentedConfig(name: string): string {
  const [, config] = new RegExp(`^\`\`\`${name}\\n([^]*?)^\`\`\`$`, "m").exec(readDocument("docs/reverse-proxy.md")) ??
    [];
  if (config === undefined) throw new Error(`docs/reverse-proxy.md shows no configuration of ${name}`);
  return config;
}

/** Replaces texts that must be there. */
export function replaced(text: string, values: readonly (readonly [old: string, value: string])[]): string {
  return values.reduce((changed, [old, value]) => {
    if (!changed.includes(old)) throw new Error(`no ${old} in:\n${text}`);
    return changed.replaceAll(old, value);
  }, text);
}
