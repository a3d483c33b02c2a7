import { type CallServer, startCallServer } from "../../support/servers/call_server.ts";

export type EchoServer = CallServer;

/** Answers each message of each call with itself; `/echo.Echo/Fail` fails, `/echo.Echo/Hang` never answers. */
export function startEchoServer(tls?: { cert: string; key: string }): Promise<EchoServer> {
  return startCallServer((call) => {
    call.begin({
      onMessage: (message) => {
        if (call.path !== "/echo.Echo/Hang") call.send(message);
      },
      onHalfClose: () => {
        if (call.path === "/echo.Echo/Hang") return;
        if (call.path === "/echo.Echo/Fail") {
          call.end({ code: 5, details: "nicht da: ü%\n", metadata: [["why", "because"]] });
        } else call.end();
      },
      onClose: () => {},
    });
  }, { tls });
}

if (import.meta.main) {
  const server = await startEchoServer();
  console.log(server.port);
}
