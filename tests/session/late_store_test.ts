import { importLateSuites } from "../support/servers/late_suites.ts";

await importLateSuites(new URL("./", import.meta.url), { latenessMs: 5, except: ["page_turns_test.ts"] });
