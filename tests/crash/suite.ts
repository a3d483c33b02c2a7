/** Runs every attack on a victim, one after another, and says after each whether it still serves. */
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { slowed } from "../support/waiting/deadlines.ts";
import { type Attack, pause } from "./attack.ts";
import { attacks } from "./attacks.ts";
import type { CancellingOptions } from "./cancelling_clients.ts";
import type { Certificates } from "./certificates.ts";
import { hostileBehaviours, startHostileServer } from "./hostile_server.ts";
import { type SeededRandom, seededRandom } from "./seeded_random.ts";
import type { Transport } from "./target.ts";
import { type End, type RunningVictim, startVictim, type Victim } from "./victim.ts";

export interface SuiteOptions {
  victim: Victim;
  transport: Transport;
  certificates: Certificates;
  /** The same seed makes the same random choices (what the operating system makes of them is another matter). */
  seed: number;
  /** How long all scenarios together may take; each gets an equal share. Default: 60 000 ms. */
  budgetMs?: number;
  /** Only scenarios whose name contains this. */
  only?: string;
  /** How many attackers at once. Default: 4. */
  attackers?: number;
}

export interface ScenarioResult {
  scenario: string;
  shots: number;
  outcome: "survived" | "died" | "stopped serving";
  /** How it died, or what the good client got. */
  detail: string;
  /** Resident memory of the victim after the scenario, in MiB. */
  memory: number;
}

/** A good client has to be served within this time of the last shot. */
const SERVE_MS = slowed(20_000);
/** A shot that takes longer is left alone; it goes on in the background. */
const SHOT_MS = 4000;
/** The same of one that begins as the scenario ends. */
const LAST_SHOT_MS = 500;

interface Scenario {
  name: string;
  run(running: RunningVictim, random: SeededRandom, end: number): Promise<number>;
}

async function fire(shot: () => Promise<void>, end: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limitMs = Math.min(SHOT_MS, Math.max(LAST_SHOT_MS, end - Date.now()));
  const limit = new Promise<void>((resolve) => timer = setTimeout(resolve, limitMs));
  await Promise.race([shot().catch(() => {}), limit]);
  clearTimeout(timer);
}

/** Several attackers repeat the shot until the time is over or the victim is dead. */
async function repeat(
  running: RunningVictim,
  options: { attackers: number; end: number; random: SeededRandom },
  shot: (random: SeededRandom) => Promise<void>,
): Promise<number> {
  let shots = 0;
  await Promise.all(Array.from({ length: options.attackers }, async (_, attacker) => {
    const random = options.random.fork(`attacker ${attacker}`);
    do {
      shots++;
      await fire(() => shot(random), options.end);
    } while (!running.end && Date.now() < options.end);
  }));
  return shots;
}

function attackScenario(attack: Attack, attackers: number): Scenario {
  return {
    name: attack.name,
    run: (running, random, end) =>
      repeat(running, { attackers, end, random }, (own) => attack.run(running.target, own)),
  };
}

function cancellingScenario(): Scenario {
  return {
    name: "clients that cancel at random moments",
    async run(running, random, end) {
      const { port, transport, certificates, streamPath, streamOpening } = running.target;
      const options: CancellingOptions = {
        port,
        seed: random.integer(0, 2 ** 31),
        milliseconds: Math.max(500, end - Date.now()),
        streamPath,
        opening: streamOpening.map((message) => Buffer.from(message).toString("base64")),
        ...(transport !== "plain" && { authority: certificates.authority }),
        ...(transport === "mtls" && { key: certificates.client.key, certificate: certificates.client.certificate }),
      };
      const script = fileURLToPath(new URL("./cancelling_clients.ts", import.meta.url));
      const child = spawn(Deno.execPath(), ["run", "--no-check", "--no-lock", "-A", script, JSON.stringify(options)], {
        stdio: "ignore",
      });
      const timer = setTimeout(() => child.kill("SIGKILL"), options.milliseconds + 15_000);
      await new Promise((resolve) => child.on("close", resolve));
      clearTimeout(timer);
      return 1;
    },
  };
}

function dialScenarios(victim: Victim): Scenario[] {
  const { makeDial } = victim;
  if (!makeDial) return [];
  return hostileBehaviours.map((behaviour) => ({
    name: `dials a server that: ${behaviour.name}`,
    async run(running, random, end) {
      const { transport, certificates } = running.target;
      const identity = victim.dialledIdentity ?? (transport === "plain" ? undefined : certificates.server);
      return await repeat(running, { attackers: 3, end, random }, async (own) => {
        const server = await startHostileServer(behaviour, { random: own, identity });
        try {
          await makeDial(running, server.port, new Date(Date.now() + SHOT_MS));
        } finally {
          await server.close();
        }
      });
    },
  }));
}

export function scenariosFor(options: SuiteOptions, running: RunningVictim): Scenario[] {
  const attackers = options.attackers ?? 4;
  return [
    ...attacks.filter((attack) => attack.applies?.(running.target) ?? true)
      .map((attack) => attackScenario(attack, attackers)),
    cancellingScenario(),
    ...dialScenarios(options.victim),
  ].filter((scenario) => scenario.name.includes(options.only ?? ""));
}

function describeEnd(end: End): string {
  return `${end.signal ?? `exit ${end.code}`}: ${end.lastStderr.slice(0, 160)}`;
}

/** Served means: one good call within the deadline, over a new connection, tried again while there is time. */
async function served(running: RunningVictim, victim: Victim): Promise<string | undefined> {
  const end = Date.now() + SERVE_MS;
  let last = "";
  while (Date.now() < end && !running.end) {
    try {
      await victim.probe(running, new Date(Math.min(end, Date.now() + SERVE_MS / 2)));
      return undefined;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
      await pause(50);
    }
  }
  return last || "no answer";
}

async function runScenario(
  scenario: Scenario,
  running: RunningVictim,
  options: { victim: Victim; random: SeededRandom; shareMs: number },
): Promise<ScenarioResult> {
  const shots = await scenario.run(running, options.random, Date.now() + options.shareMs);
  const refusal = await served(running, options.victim);
  // A process that aborts may take a moment to be gone.
  if (refusal !== undefined) await Promise.race([running.ended, pause(300)]);
  const memory = running.memory();
  if (running.end) return { scenario: scenario.name, shots, outcome: "died", detail: describeEnd(running.end), memory };
  if (refusal !== undefined) {
    return { scenario: scenario.name, shots, outcome: "stopped serving", detail: refusal, memory };
  }
  return { scenario: scenario.name, shots, outcome: "survived", detail: "", memory };
}

/** Yields one result per scenario. A victim that fails is replaced, so that each scenario meets a live one. */
export async function* runSuite(options: SuiteOptions): AsyncGenerator<ScenarioResult> {
  const { victim, transport, certificates } = options;
  const start = () => startVictim(victim, transport, certificates);
  let running = await start();
  try {
    const scenarios = scenariosFor(options, running);
    const end = Date.now() + (options.budgetMs ?? 60_000);
    for (const [index, scenario] of scenarios.entries()) {
      const shareMs = Math.max(200, (end - Date.now()) / (scenarios.length - index) - 100);
      const random = seededRandom(options.seed).fork(scenario.name);
      const result = await runScenario(scenario, running, { victim, random, shareMs });
      yield result;
      if (result.outcome !== "survived") {
        if (!running.end) await running.stop();
        running = await start();
      }
    }
  } finally {
    if (!running.end) await running.stop();
  }
}
