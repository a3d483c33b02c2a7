import { choice, integer } from "@optique/core/valueparser";
import { logLevels } from "../../app/log_level.ts";
import type { OptionsWithEnv } from "../options_with_env.ts";
import { path } from "../value_parsers.ts";

/** What every server can be told, as parts of an `object()`; {@link withRate} makes the options of it. */
export function serverOptions(options: OptionsWithEnv) {
  return {
    dataDir: options.withDefault("--data", path("DIR"), {
      standard: "./data",
      description: "Folder of accounts and messages; made if there is none",
    }),
    registration: options.withDefault("--registration", choice(["open", "invite", "closed"]), {
      standard: "open",
      description: "Who may register",
    }),
    supervise: options.onUnlessNegated("--supervise", "Restart the serving process when it dies"),
    supervised: options.internal("--supervised"),
    perSecond: options.withDefault("--rate", integer({ metavar: "COUNT", min: 1, max: 1_000_000 }), {
      standard: "200",
      description: "Requests of each user in a second, when it goes on",
    }),
    burst: options.withDefault("--burst", integer({ metavar: "COUNT", min: 1, max: 1_000_000 }), {
      standard: "1000",
      description: "Requests of each user at once, after a rest",
    }),
    logLevel: options.withDefault("--log-level", choice(logLevels), {
      standard: "info",
      description: "What to write on stderr",
    }),
  };
}

export function withRate<T extends { perSecond: number; burst: number }>({ perSecond, burst, ...rest }: T) {
  return { ...rest, rate: { perSecond, burst } };
}
