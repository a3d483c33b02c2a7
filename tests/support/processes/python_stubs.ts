import { fileURLToPath } from "node:url";
import { debianPackages, requireDebianPackages } from "./debian_package.ts";

const protos = fileURLToPath(new URL("../../../proto/", import.meta.url));

/** Makes Python's code of chatd's services in a new folder, which goes into PYTHONPATH. @returns the folder */
export async function makePythonStubs(folder: string): Promise<string> {
  requireDebianPackages(
    ["python3-grpcio", "python3-protobuf", "protobuf-compiler", "protobuf-compiler-grpc"],
    "clients in Python are made with them",
  );
  Deno.mkdirSync(folder);
  const files = [...Deno.readDirSync(`${protos}chatd/v1`)].map(({ name }) => `chatd/v1/${name}`);
  const plugin = debianPackages["protobuf-compiler-grpc"];
  const out = [`--python_out=${folder}`, `--grpc_out=${folder}`, `--plugin=protoc-gen-grpc=${plugin}`];
  const { success, stderr } = await new Deno.Command(debianPackages["protobuf-compiler"], {
    args: ["-I", protos, ...out, ...files],
  }).output();
  if (!success) throw new Error(`protoc failed: ${new TextDecoder().decode(stderr)}`);
  return folder;
}
