// Makes src/gen from the contract: `deno task generate`. With an argument, makes that folder instead.
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = resolve(Deno.args[0] ?? `${root}src/gen`);

const tsProtoOptions = [
  "esModuleInterop=true",
  "importSuffix=.ts",
  "oneof=unions-value",
  "forceLong=number",
  "outputServices=generic-definitions",
  "outputJsonMethods=false",
  "outputPartialMethods=false",
  "useDate=false",
  "useExactTypes=false",
  "exportCommonSymbols=false",
  "removeEnumPrefix=true",
].join(",");

async function main(): Promise<void> {
  const plugin = await Deno.makeTempFile({ suffix: "-protoc-gen-ts_proto" });
  try {
    await Deno.writeTextFile(
      plugin,
      `#!/bin/sh\nexec "${Deno.execPath()}" run -A npm:ts-proto@^2.18.0/protoc-gen-ts_proto\n`,
    );
    await Deno.chmod(plugin, 0o755);
    const template = {
      version: "v2",
      clean: true,
      plugins: [{ local: plugin, out, opt: tsProtoOptions }],
    };
    await buf("generate", "--template", JSON.stringify(template));
    const descriptors = await buf("build", "--as-file-descriptor-set", "--exclude-source-info", "-o", "-#format=binpb");
    await Deno.writeTextFile(
      `${out}/descriptors.ts`,
      `// Generated from proto/ by \`deno task generate\`: a FileDescriptorSet, for server reflection.\n` +
        `export const descriptorsBase64 =\n  "${descriptors.toBase64()}";\n`,
    );
  } finally {
    await Deno.remove(plugin);
  }
}

async function buf(...args: string[]): Promise<Uint8Array> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "npm:@bufbuild/buf@~1.74.0/buf", ...args],
    cwd: `${root}proto`,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`buf ${args[0]} failed; what it says is above`);
  return stdout;
}

if (import.meta.main) await main();
