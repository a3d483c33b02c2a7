// Listens on a free port of 127.0.0.1, says which, and then "taken" and its port for each connection; meant for few file descriptors.
import { silentLog } from "../../../src/core/log.ts";
import { WatchedListener } from "../../../src/grpc/server/watched_listener.ts";

// Deno takes descriptors of its own for this, and dies without them.
Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
const listener = await WatchedListener.open({
  host: "127.0.0.1",
  port: 0,
  log: silentLog,
  testMs: 300,
  onConnection: (socket) => {
    console.log(`taken ${socket.remotePort}`);
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.destroy());
    socket.resume();
  },
});
console.log(listener.port);
