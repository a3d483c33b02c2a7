/** A terminal over RabbitMQ, over a line of 400 ms each way: all tests of the file, once more. */
import { slowDownLines } from "../../support/proxies/slow_line.ts";

slowDownLines(400);
await import("../amqp_terminal_test.ts");
