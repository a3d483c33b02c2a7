import denoConfig from "../../deno.json" with { type: "json" };
import { commit } from "./commit.ts";

/** The version of this program: "0.1.0". */
export const version = denoConfig.version;

/** The version with its commit and its runtime: "0.1.0 (commit 1a2b3c4d5e6f, Deno 2.9.6)". */
export const longVersion = `${version} (commit ${commit}, Deno ${Deno.version.deno})`;
