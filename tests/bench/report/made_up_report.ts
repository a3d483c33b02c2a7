import type { BenchReport, Measured, SystemName, WorkloadName } from "../../../src/bench/result.ts";

/** Invented figures of all workloads and systems, with markup in texts. */
export function madeUpReport(): BenchReport {
  return {
    chatd: { version: "0.1.0", commit: "<script>alert(1)</script>" },
    deno: "2.9.3",
    machine: { os: "linux x86_64", cpu: 'Some "CPU" & more', cores: 2, memoryBytes: 8 * 1024 ** 3 },
    startedAt: "2026-11-23T19:00:00.000Z",
    runs: [
      ...busy("w1"),
      { ...busyRun("w2", "grpc-stream", 400), throughput: undefined },
      ...([["grpc-stream", 70_000, undefined], ["amqp", 90_000, 60_000], ["bare-grpc", 56_000, undefined]] as const)
        .map(
          ([system, serverBytesPerSession, brokerBytesPerSession]): Measured => ({
            workload: "w3",
            system,
            seconds: 0,
            delivered: 0,
            perSecond: 0,
            idle: {
              sessions: 1_000,
              loginSeconds: 3.25,
              serverCpuPerLogin: 0.5,
              serverBytesPerSession,
              brokerBytesPerSession,
            },
            ratios: [],
          }),
        ),
      { ...busyRun("w4", "grpc-stream", 10_000), members: 1_000 },
      { workload: "w4", system: "amqp", problem: "No broker <here> & nowhere.", failed: false },
      { ...busyRun("w5", "grpc-stream", 21_000), stored: 10_000_000, ratios: [{ to: "w1", perSecond: 0.93 }] },
      {
        ...busyRun("w6", "grpc-stream", 5_000),
        people: {
          online: 1_000,
          timesFaster: 5,
          sent: 1_650,
          typingReports: 1_660,
          reads: 1_500,
          logins: 14,
          serverCpuPerMinute: 1.75,
        },
      },
    ],
    conclusions: ["gRPC < RabbitMQ?"],
  };
}

function busy(workload: WorkloadName): Measured[] {
  const rates = {
    "grpc-stream": 22_000,
    "grpc-callback": 19_000,
    amqp: 11_000,
    "bare-grpc": 45_000,
    "bare-amqp": 38_000,
  };
  return (Object.entries(rates) as [SystemName, number][]).map(([system, rate]) => busyRun(workload, system, rate));
}

function busyRun(workload: WorkloadName, system: SystemName, perSecond: number): Measured {
  const middle = Math.round(4 * Math.log2(640_000 / perSecond));
  const histogram = [-6, -3, -2, -1, 0, 1, 2, 3, 4, 9].map((step) => ({
    upToMs: 2 ** ((middle + step) / 4),
    count: Math.round(1_000 * Math.exp(-(step ** 2) / 6)) + 2,
  }));
  return {
    workload,
    system,
    seconds: 10,
    delivered: perSecond * 10,
    perSecond,
    latencyMs: { p50: 640_000 / perSecond, p90: 900_000 / perSecond, p99: 1_200_000 / perSecond, max: 200, histogram },
    cpu: {
      server: 900_000 / perSecond,
      broker: system.endsWith("amqp") ? 35.5 : undefined,
      driver: 400_000 / perSecond,
    },
    ratios: system.startsWith("bare-") ? [] : [{ to: system === "amqp" ? "bare-amqp" : "bare-grpc", perSecond: 0.5 }],
    throughput: Array.from({ length: 20 }, (_, i) => ({
      atSeconds: (i + 1) / 2,
      perSecond: Math.round(perSecond * (1 + Math.sin(i * 1.7) / 20)),
    })),
  };
}
