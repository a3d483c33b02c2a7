import { readConfigFile } from "../../app/config_file.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** Checks the configuration file. The command line parser has already rejected unknown and invalid settings. */
export function* examineConfiguration({ configFile }: { configFile?: string }): Generator<Finding, void> {
  if (configFile === undefined) {
    yield ok("no configuration file is used (--config)");
    return;
  }
  const { entries, isReadByOthers } = readConfigFile(configFile);
  yield ok(`"${configFile}" is valid (${entries.length} ${entries.length === 1 ? "setting" : "settings"})`);
  if (isReadByOthers && entries.some(({ name }) => name.endsWith("-file"))) {
    yield warning(`other users of this machine can read "${configFile}"`, `chmod 600 ${configFile}`);
  }
}
