import assert from "node:assert/strict";
import { figureTables } from "../../../src/bench/report/figure_tables.ts";
import { textReport } from "../../../src/bench/report/text_report.ts";
import type { BenchReport, Measured } from "../../../src/bench/result.ts";
import { madeUpReport } from "./made_up_report.ts";

const report = madeUpReport();

/** The report of one run of W2 with these changes. */
function reportOf(changes: Partial<Measured>, os = "linux x86_64"): BenchReport {
  const run = report.runs.find(({ workload }) => workload === "w2") as Measured;
  return { ...report, machine: { ...report.machine, os }, runs: [{ ...run, ...changes }] };
}

Deno.test("ratios to each limit are in a table of their own", () => {
  const [{ ratios }] = figureTables(reportOf({
    ratios: [{ to: "bare-grpc", cpu: 0.5, p50: 2 }, { to: "bare-socket", cpu: 20.123, p50: 4, p99: 6 }],
  }));
  assert.deepEqual(ratios, {
    header: ["ratios, medians of rounds", "CPU", "p50", "p99"],
    rows: [
      ["grpc-stream of the grpc-js relay", "0.50", "2.00", "-"],
      ["grpc-stream of the socket relay", "20.12", "4.00", "6.00"],
    ],
  });
  assert.equal(figureTables(reportOf({ ratios: [] }))[0].ratios, undefined);
});

Deno.test("notes name the threads of a server that use CPU, the postponed sends and the systems that are left out", () => {
  const threads = [{ name: "deno", ms: 9 }, { name: "V8 DefaultWorke", ms: 0.5 }, { name: "idle", ms: 0.01 }];
  const [{ notes }] = figureTables(reportOf({ cpu: { server: 9.51, threads }, postponed: 3 }));
  assert.deepEqual(notes, [
    "CPU of the server by thread:",
    "grpc-stream: deno 9.0, V8 DefaultWorke 0.5",
    "grpc-stream: the server postponed 3 sends because it was full or busy.",
    "W2 leaves out the systems with a message in each frame: all frames have one.",
  ]);
});

Deno.test("notes say where the operating system tells nothing about threads", () => {
  const notesOn = (os: string) => figureTables(reportOf({ cpu: { server: 9 } }, os))[0].notes;
  assert.deepEqual(notesOn("linux x86_64").length, 1);
  assert.equal(notesOn("darwin aarch64")[0], "CPU of the server by thread: only Linux tells it.");
});

Deno.test("the text report aligns the columns of both tables", () => {
  const lines = textReport(report).split("\n");
  const at = lines.findIndex((line) => line.startsWith("W1: "));
  const [header, first] = lines.slice(at + 1);
  assert.equal(header.length, first.length);
  const ratios = lines.findIndex((line) => line.startsWith("ratios, medians of rounds"));
  assert.equal(lines[ratios].length, lines[ratios + 1].length);
  assert.match(lines[ratios + 1], /^grpc-stream of the grpc-js relay +0\.50$/);
  assert.ok(lines.includes("amqp         No broker <here> & nowhere."));
});
