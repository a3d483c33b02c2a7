/** The full screen, over a line of 400 ms each way: all tests of the file, once more. */
import { slowDownLines } from "../../support/proxies/slow_line.ts";

slowDownLines(400);
await import("../full_screen_test.ts");
