import assert from "node:assert/strict";
import { debianPackages } from "./support/processes/debian_package.ts";

/** The machines of the workflows have Google Chrome, and Ubuntu has no package of this name. */
const onMachines = ["chromium"];

Deno.test("workflows install every package of Debian that tests need", () => {
  for (const name of ["ci", "release"]) {
    const workflow = Deno.readTextFileSync(new URL(`../.github/workflows/${name}.yml`, import.meta.url));
    const [, installed] = /apt-get install --yes (.*)$/m.exec(workflow)!;
    const missing = Object.keys(debianPackages).filter((each) =>
      ![...onMachines, ...installed.split(" ")].includes(each)
    );
    assert.deepEqual(missing, [], `${name}.yml`);
  }
});
