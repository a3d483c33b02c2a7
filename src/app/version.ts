import denoConfig from "../../deno.json" with { type: "json" };

/** The version of this program: "0.1.0". */
export const version = denoConfig.version;
