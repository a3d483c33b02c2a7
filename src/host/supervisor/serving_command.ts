/** The permissions that a serving process needs when its supervisor has not all of a kind. */
export interface ServingNeeds {
  /** Paths. */
  readonly read: readonly string[];
  /** Paths. */
  readonly write: readonly string[];
  /** As in `--allow-net`: "127.0.0.1:50051", "127.0.0.1" or "unix:/path". */
  readonly net: readonly string[];
  /** As in `--allow-env`: names of variables, or "CHATD_*". */
  readonly env: readonly string[];
  /** As in `--allow-sys`. */
  readonly sys: readonly string[];
  /** As in `--v8-flags`; V8's defaults unless given. A compiled executable has its own from compilation. */
  readonly v8Flags?: string;
}

/**
 * The flags of servers: the young generation of the heap takes at most 32 MiB. With V8's default, a thousand log-ins make
 * it 64 MiB, and it never shrinks. Sends are not slower with this limit; they are with the next smaller one.
 */
export const serverV8Flags = "--max-semi-space-size=16";

/** Whether this program is a bundle: it needs no deno.json, and must not use one of a folder above it. */
export const isBundle = !Deno.build.standalone && Deno.mainModule.endsWith(".js");

/** Reports whether Deno lets this process start its own executable without a prompt. */
export function mayStartItself(): boolean {
  return isGranted({ name: "run", command: Deno.execPath() });
}

/**
 * Returns the command that runs this program again. A compiled executable has its permissions built in; under `deno run`
 * the new process gets the permissions of this one that `needs` names, and never one to run programs: it is the process
 * that strangers talk to.
 */
export function servingCommand(args: readonly string[], needs: ServingNeeds): { program: string; args: string[] } {
  const program = Deno.execPath();
  if (Deno.build.standalone) return { program, args: [...args] };
  const v8 = needs.v8Flags === undefined ? [] : [`--v8-flags=${needs.v8Flags}`];
  const config = isBundle ? ["--no-config"] : [];
  const flags = ["--quiet", "--no-prompt", ...config, ...v8, ...permissionFlags(needs)];
  return { program, args: ["run", ...flags, Deno.mainModule, ...args] };
}

function permissionFlags({ read, write, net, env, sys }: ServingNeeds): string[] {
  return [
    ...flag("--allow-read", { name: "read" }, read.map((path) => [path, { name: "read", path }])),
    ...flag("--allow-write", { name: "write" }, write.map((path) => [path, { name: "write", path }])),
    ...flag("--allow-net", { name: "net" }, net.map((host) => [host, { name: "net", host }])),
    ...flag("--allow-env", { name: "env" }, env.map((variable) => [variable, { name: "env", variable }])),
    ...flag("--allow-sys", undefined, sys.map((kind) => [kind, { name: "sys", kind: kind as "hostname" }])),
  ];
}

function flag(
  name: string,
  everything: Deno.PermissionDescriptor | undefined,
  needed: readonly (readonly [string, Deno.PermissionDescriptor])[],
): string[] {
  if (everything !== undefined && isGranted(everything)) return [name];
  const granted = needed.filter(([, descriptor]) => isGranted(descriptor));
  // A comma in a value is written twice.
  return granted.length === 0 ? [] : [`${name}=${granted.map(([value]) => value.replaceAll(",", ",,")).join(",")}`];
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
