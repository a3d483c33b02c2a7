/** install.sh with invented releases from a server on this machine. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { archiveName, targets } from "../../packaging/release.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const script = fileURLToPath(new URL("../../install.sh", import.meta.url));
const own = targets.find((target) => target === Deno.build.target);
const ignore = own === undefined || own.includes("windows");

/** Makes a folder with a release in which chatd is a script. */
async function makeRelease(folder: string): Promise<string> {
  const archive = archiveName("1.2.3", own!);
  const name = archive.replace(".tar.gz", "");
  Deno.mkdirSync(`${folder}/${name}/completions`, { recursive: true });
  Deno.writeTextFileSync(`${folder}/${name}/chatd`, "#!/bin/sh\necho chatd 1.2.3\n", { mode: 0o755 });
  Deno.writeTextFileSync(`${folder}/${name}/chatd.1`, ".TH CHATD 1\n");
  for (const shell of ["bash", "zsh", "fish"]) {
    Deno.writeTextFileSync(`${folder}/${name}/completions/chatd.${shell}`, `# ${shell}\n`);
  }
  await sh(`tar -czf ${archive} ${name} && sha256sum ${archive} > SHA256SUMS`, folder);
  return archive;
}

async function sh(command: string, cwd: string): Promise<void> {
  const { code, stderr } = await new Deno.Command("sh", { args: ["-c", command], cwd }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}

/** Serves the files of a folder while `use` runs. */
async function serving(folder: string, use: (url: string) => Promise<void>): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const bytes = await Deno.readFile(`${folder}/${new URL(request.url).pathname}`).catch(() => undefined);
    return bytes === undefined ? new Response("not here", { status: 404 }) : new Response(bytes);
  });
  try {
    await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

interface Installed {
  code: number;
  out: string;
  err: string;
}

async function install(
  { url, home, args = [], path = Deno.env.get("PATH")! }: {
    url: string | undefined;
    home: string;
    args?: string[];
    path?: string;
  },
): Promise<Installed> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [script, ...args],
    clearEnv: true,
    env: { HOME: home, PATH: path, ...url === undefined ? {} : { CHATD_INSTALL_URL: url } },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** Makes a folder with a program `name` that prints `words`, to put first in PATH. */
function pathWith(folder: string, name: string, words: string): string {
  Deno.mkdirSync(`${folder}/bin`, { recursive: true });
  Deno.writeTextFileSync(`${folder}/bin/${name}`, `#!/bin/sh\necho ${words}\n`, { mode: 0o755 });
  return `${folder}/bin:${Deno.env.get("PATH")}`;
}

Deno.test({
  name: "install.sh installs chatd, its manual page and completions, also over an older version",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    await makeRelease(folder.path);
    await serving(folder.path, async (url) => {
      for (let times = 0; times < 2; times++) {
        const prefix = `${folder.path}/a place`;
        const { code, out, err } = await install({ url, home: folder.path, args: ["--prefix", prefix] });
        assert.equal(code, 0, err);
        assert.match(out, /^chatd 1\.2\.3 is in .*a place\/bin\nAdd \S.*a place\/bin to your PATH\.\n$/);
        const files = ["share/man/man1/chatd.1", "share/zsh/site-functions/_chatd"];
        files.push("share/bash-completion/completions/chatd", "share/fish/vendor_completions.d/chatd.fish");
        for (const file of files) Deno.statSync(`${prefix}/${file}`);
        assert.deepEqual([...Deno.readDirSync(`${prefix}/bin`)].map(({ name }) => name), ["chatd"]);
      }
    });
  },
});

Deno.test({
  name: "install.sh installs for the user only when it is not root",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    await makeRelease(folder.path);
    await serving(folder.path, async (url) => {
      const { code, err } = await install({ url, home: folder.path, path: pathWith(folder.path, "id", "1000") });
      assert.equal(code, 0, err);
      Deno.statSync(`${folder.path}/.local/bin/chatd`);
    });
  },
});

Deno.test({
  name: "install.sh installs nothing from an archive with a wrong checksum",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    const archive = await makeRelease(folder.path);
    const prefix = `${folder.path}/prefix`;
    Deno.writeTextFileSync(`${folder.path}/${archive}`, "more", { append: true });
    await serving(folder.path, async (url) => {
      const { code, err } = await install({ url, home: folder.path, args: [`--prefix=${prefix}`] });
      assert.equal(code, 1);
      assert.match(err, /has another checksum than in SHA256SUMS: nothing was installed/);
    });
    assert.throws(() => Deno.statSync(prefix), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "install.sh explains each failure",
  ignore,
  async fn() {
    using folder = temporaryFolder();
    const archive = await makeRelease(folder.path);
    const home = folder.path;
    await serving(folder.path, async (url) => {
      const said = async (options: { url?: string; args?: string[]; path?: string }) => {
        const { code, err } = await install({ url, home, ...options });
        assert.equal(code, 1);
        return err;
      };
      assert.match(await said({ url: undefined }), /has no URL of a release/);
      assert.match(await said({ args: ["--prefx", "/x"] }), /unknown option --prefx/);
      assert.match(await said({ args: ["--prefix", "here"] }), /an absolute path/);
      assert.match(await said({ path: pathWith(`${home}/plan9`, "uname", "Plan9") }), /no chatd for Plan9/);
      assert.match(await said({ path: pathWith(`${home}/riscv`, "uname", "Linux") }), /no chatd for Linux/);
      assert.match(await said({ url: `${url}/elsewhere` }), /cannot download \S+SHA256SUMS/);
      Deno.removeSync(`${home}/${archive}`);
      assert.match(await said({}), /cannot download \S+\.tar\.gz/);
      Deno.writeTextFileSync(`${home}/SHA256SUMS`, "");
      assert.match(await said({}), /the release has no archive for/);
    });
  },
});
