import assert from "node:assert/strict";
import { packagesReached, readModuleGraph } from "../../packaging/module_graph.ts";
import { archiveName, pack, release, type Target, targets } from "../../packaging/release.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const version = JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url))).version;
const own = targets.find((target) => target === Deno.build.target);
/**
 * Where denort is not available, the full deno replaces it: the executable is not chatd then, but is made in the same
 * way.
 */
const denort = Deno.env.get("DENORT_BIN");
const standsIn = denort === undefined ? " (the executable is not run: set DENORT_BIN to the denort of this Deno)" : "";

async function output(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

interface Component {
  "bom-ref": string;
  purl: string;
  version: string;
  hashes?: { alg: string; content: string }[];
}

async function checkSbom(text: string, commit: string): Promise<void> {
  const sbom = JSON.parse(text);
  assert.deepEqual([sbom.bomFormat, sbom.specVersion, sbom.version], ["CycloneDX", "1.6", 1]);
  assert.equal(sbom.metadata.component.version, version);
  assert.deepEqual(sbom.metadata.component.properties, [{ name: "chatd:commit", value: commit }]);
  const [deno, ...packages]: Component[] = sbom.components;
  assert.equal(deno.version, Deno.version.deno);
  const named = packages.map(({ purl }) => decodeURIComponent(purl).replace("pkg:npm/", ""));
  const graph = await readModuleGraph();
  const reached = packagesReached(graph).map((key) => graph.npmPackages[key]);
  assert.deepEqual(named, reached.map(({ name, version }) => `${name}@${version}`));
  for (const { hashes, purl } of packages) assert.match(hashes?.[0].content ?? "", /^[0-9a-f]{128}$/, purl);
  const known = new Set([sbom.metadata.component, deno, ...packages].map((component) => component["bom-ref"]));
  const refs: { ref: string; dependsOn: string[] }[] = sbom.dependencies;
  for (const { ref, dependsOn } of refs) for (const name of [ref, ...dependsOn]) assert.ok(known.has(name), name);
}

Deno.test({
  name: `a release for this machine's target has all its files${standsIn}`,
  ignore: own === undefined,
  async fn() {
    using folder = temporaryFolder();
    const out = folder.path;
    const commit = "0123456789ab";
    const url = "https://chat.example.org/chatd/";
    const made = await release({ targets: [own!], out, commit, url, denort: denort ?? Deno.execPath() });
    const archive = archiveName(version, own!);
    assert.deepEqual(made, [archive, `chatd-${version}.cdx.json`, "install.sh", "SHA256SUMS"]);
    assert.deepEqual([...Deno.readDirSync(out)].map(({ name }) => name).toSorted(), made.toSorted());
    await output("sha256sum", ["--check", "--strict", "SHA256SUMS"], out);
    await checkSbom(Deno.readTextFileSync(`${out}/chatd-${version}.cdx.json`), commit);
    assert.match(Deno.readTextFileSync(`${out}/install.sh`), /^url=\$\{CHATD_INSTALL_URL:-https:\S+\/chatd\}$/m);

    await output("tar", ["-xzf", archive], out);
    const unpacked = `${out}/${archive.replace(".tar.gz", "")}`;
    assert.ok(Deno.statSync(`${unpacked}/chatd`).mode! & 0o111);
    for (const shell of ["bash", "zsh", "fish"]) {
      assert.match(Deno.readTextFileSync(`${unpacked}/completions/chatd.${shell}`), /chatd/);
    }
    for (const name of ["README.md", "LICENSE", "CHANGELOG.md", "chatd.toml", "grafana.json", "chatd.1"]) {
      Deno.statSync(`${unpacked}/${name}`);
    }
    if (own!.includes("linux")) Deno.statSync(`${unpacked}/chatd.service`);
    if (denort === undefined) return;
    const said = await output(`${unpacked}/chatd`, ["--version"], unpacked);
    assert.equal(said, `chatd ${version} (commit ${commit}, Deno ${Deno.version.deno})\n`);
  },
});

Deno.test("the changelog has a section for the version, with its date", () => {
  const changelog = Deno.readTextFileSync(new URL("../../CHANGELOG.md", import.meta.url));
  const headings = [...changelog.matchAll(/^## \[(.+)\] - \d{4}-\d\d-\d\d$/gm)].map(([, name]) => name);
  assert.ok(headings.includes(version), headings.join(", "));
});

Deno.test("archives are named after version and target", () => {
  assert.equal(archiveName("1.2.3", "aarch64-apple-darwin"), "chatd-1.2.3-aarch64-apple-darwin.tar.gz");
});

const hasZip = Deno.env.get("PATH")!.split(":").some((folder) => {
  try {
    return Deno.statSync(`${folder}/zip`).isFile && Deno.statSync(`${folder}/unzip`).isFile;
  } catch {
    return false;
  }
});

Deno.test(`the archive for Windows is a zip file${hasZip ? "" : " (SKIPPED: zip is not installed)"}`, {
  ignore: !hasZip,
}, async () => {
  using folder = temporaryFolder();
  const target: Target = "x86_64-pc-windows-msvc";
  const archive = archiveName("1.2.3", target);
  assert.equal(archive, `chatd-1.2.3-${target}.zip`);
  const name = archive.replace(".zip", "");
  Deno.mkdirSync(`${folder.path}/${name}`);
  Deno.writeTextFileSync(`${folder.path}/${name}/chatd.exe`, "an executable");
  await pack(`${folder.path}/${name}`, `${folder.path}/${archive}`);
  const { stdout } = await new Deno.Command("unzip", { args: ["-p", archive, `${name}/chatd.exe`], cwd: folder.path })
    .output();
  assert.equal(new TextDecoder().decode(stdout), "an executable");
});
