import { replaced, ReverseProxy, type ReverseProxyOptions } from "./reverse_proxy.ts";

/** A private HAProxy. */
export class HAProxy extends ReverseProxy {
  private constructor(options: ReverseProxyOptions) {
    super("haproxy", options);
  }

  /** Resolves when it listens. @throws {Error} with its log when it ends or takes too long. */
  static async open(options: ReverseProxyOptions): Promise<HAProxy> {
    const haproxy = new HAProxy(options);
    try {
      await haproxy.start();
    } catch (error) {
      await haproxy[Symbol.asyncDispose]();
      throw error;
    }
    return haproxy;
  }

  override async reload(): Promise<void> {
    await this.start("-sf", String(this.children.at(-1)!.pid));
  }

  protected override completeConfig(documented: string): string {
    const { folder, serverPort, certificate } = this.options;
    const both = `${folder}/haproxy.pem`;
    Deno.writeTextFileSync(both, Deno.readTextFileSync(certificate.chain) + Deno.readTextFileSync(certificate.key));
    return replaced(documented, [
      ["bind :443", `bind 127.0.0.1:${this.port}`],
      ["127.0.0.1:50051", `127.0.0.1:${serverPort}`],
      ["/etc/haproxy/chat.example.org.pem", both],
    ]);
  }

  protected override args(configPath: string): readonly string[] {
    return ["-db", "-f", configPath];
  }
}
