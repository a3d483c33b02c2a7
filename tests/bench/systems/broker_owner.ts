// Starts a private broker, prints its processes and folder, and waits for a signal.
import { PrivateBroker } from "../../../src/bench/systems/private_broker.ts";

await using broker = await PrivateBroker.start();
console.log(JSON.stringify({ pid: broker.pid, folder: broker.log.match(/home dir\s+: (\S+)\/home/)?.[1] }));
await new Promise(() => setInterval(() => {}, 1000));
