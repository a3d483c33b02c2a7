import { eventually } from "../waiting/eventually.ts";
import { replaced, ReverseProxy, type ReverseProxyOptions } from "./reverse_proxy.ts";

/** A private nginx. */
export class Nginx extends ReverseProxy {
  private constructor(options: ReverseProxyOptions) {
    super("nginx", options);
  }

  /** Resolves when it listens. @throws {Error} with its log when it ends or takes too long. */
  static async open(options: ReverseProxyOptions): Promise<Nginx> {
    const nginx = new Nginx(options);
    try {
      await nginx.start();
      await nginx.#workers(1);
    } catch (error) {
      await nginx[Symbol.asyncDispose]();
      throw error;
    }
    return nginx;
  }

  override async reload(): Promise<void> {
    const { length } = this.#started();
    this.children[0].kill("SIGHUP");
    await this.#workers(length + 1);
  }

  async #workers(count: number): Promise<void> {
    await eventually(() => this.#started().length >= count, () => this.log);
  }

  #started(): string[] {
    return this.log.match(/start worker process \d+/g) ?? [];
  }

  protected override completeConfig(documented: string): string {
    const { folder, serverPort, certificate } = this.options;
    const server = replaced(documented, [
      ["listen 443", `listen 127.0.0.1:${this.port}`],
      ["127.0.0.1:50051", `127.0.0.1:${serverPort}`],
      ["/etc/letsencrypt/live/chat.example.org/fullchain.pem", certificate.chain],
      ["/etc/letsencrypt/live/chat.example.org/privkey.pem", certificate.key],
    ]);
    const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/nginx-${name};`);
    return [
      ...["daemon off;", "worker_processes 1;", `pid ${folder}/nginx.pid;`, "error_log stderr notice;", "events {}"],
      ...["http {", "access_log off;", ...folders, server, "}", ""],
    ].join("\n");
  }

  protected override args(configPath: string): readonly string[] {
    return ["-e", "stderr", "-c", configPath];
  }
}
