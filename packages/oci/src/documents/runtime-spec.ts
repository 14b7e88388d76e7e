import type {
  CapabilitiesSpec,
  LinuxSpec,
  MountSpec,
  NamespaceKind,
  ProcessSpec,
  ResourcesSpec,
  RuntimeSpec,
  UserSpec,
} from "../runtime-spec.ts";
import { parseSpecJson } from "../spec-json.ts";
import { optional } from "./descriptor.ts";
import { type JsonField, parseJson } from "./json-field.ts";
import { withUnknown } from "./with-unknown.ts";

/** A runtime spec that a client has stored. What is not read here is there as it is, such as seccomp rules and devices. */
export interface StoredSpec extends RuntimeSpec {
  linux: Omit<LinuxSpec, "devices" | "seccomp">;
}

/**
 * Parses a runtime spec, to be read field by field: https://github.com/opencontainers/runtime-spec/blob/main/config.md
 * @param document what messages call it
 * @throws {Fault} `invalid_argument`
 */
export function parseSpecField(document: string, bytes: Uint8Array): JsonField {
  return parseJson(document, bytes, { parse: parseSpecJson });
}

/**
 * Reads a runtime spec, which may be any client's. What is missing is empty.
 * @param document what messages call it
 * @throws {Fault} `invalid_argument`
 */
export function parseRuntimeSpec(document: string, bytes: Uint8Array): StoredSpec {
  const field = parseSpecField(document, bytes);
  const root = field.get("root");
  return withUnknown(field, {
    ociVersion: field.get("ociVersion").text() ?? "",
    root: withUnknown(root, {
      path: root.get("path").text() ?? "",
      readonly: root.get("readonly").boolean(),
    }),
    process: readProcess(field.get("process")),
    hostname: field.get("hostname").text(),
    domainname: field.get("domainname").text(),
    mounts: field.get("mounts").list(readMount),
    hooks: optional(field.get("hooks"), (hooks) => hooks.others([])),
    annotations: optional(field.get("annotations"), (annotations) => annotations.textRecord()),
    linux: readLinux(field.get("linux")),
  });
}

export function readMount(field: JsonField): MountSpec {
  return withUnknown(field, {
    destination: field.get("destination").text() ?? "",
    type: field.get("type").text(),
    source: field.get("source").text(),
    options: optional(field.get("options"), (options) => options.texts()),
  });
}

function readProcess(field: JsonField): ProcessSpec {
  const size = (name: string): number => field.get("consoleSize").get(name).integer({ min: 0 }) ?? 0;
  return withUnknown(field, {
    terminal: field.get("terminal").boolean(),
    consoleSize: optional(field.get("consoleSize"), () => ({ height: size("height"), width: size("width") })),
    user: readUser(field.get("user")),
    args: field.get("args").texts(),
    env: field.get("env").texts(),
    cwd: field.get("cwd").text() ?? "",
    capabilities: optional(field.get("capabilities"), readCapabilities),
    rlimits: optional(field.get("rlimits"), (limits) =>
      limits.list((limit) =>
        withUnknown(limit, {
          type: limit.get("type").text() ?? "",
          hard: limit.get("hard").wideInteger() ?? 0,
          soft: limit.get("soft").wideInteger() ?? 0,
        }),
      ),
    ),
    noNewPrivileges: field.get("noNewPrivileges").boolean(),
    apparmorProfile: field.get("apparmorProfile").text(),
    oomScoreAdj: field.get("oomScoreAdj").integer(),
  });
}

const maxId = 2 ** 32 - 1;

function readUser(field: JsonField): UserSpec {
  const id = (name: string): number | undefined => field.get(name).integer({ min: 0, max: maxId });
  return withUnknown(field, {
    uid: id("uid") ?? 0,
    gid: id("gid") ?? 0,
    umask: id("umask"),
    additionalGids: optional(field.get("additionalGids"), (groups) =>
      groups.list((group) => group.integer({ min: 0, max: maxId }) ?? 0),
    ),
  });
}

function readCapabilities(field: JsonField): CapabilitiesSpec {
  const list = (name: string): string[] | undefined => optional(field.get(name), (names) => names.texts());
  return withUnknown(field, {
    bounding: list("bounding"),
    effective: list("effective"),
    inheritable: list("inheritable"),
    permitted: list("permitted"),
    ambient: list("ambient"),
  });
}

function readLinux(field: JsonField): StoredSpec["linux"] {
  return withUnknown(field, {
    namespaces: field.get("namespaces").list((one) =>
      // Any kind: runtimes know some that are newer than this.
      withUnknown(one, {
        type: (one.get("type").text() ?? "") as NamespaceKind,
        path: one.get("path").text(),
      }),
    ),
    cgroupsPath: field.get("cgroupsPath").text(),
    resources: readResources(field.get("resources")),
    sysctl: optional(field.get("sysctl"), (sysctl) => sysctl.textRecord()),
    maskedPaths: optional(field.get("maskedPaths"), (paths) => paths.texts()),
    readonlyPaths: optional(field.get("readonlyPaths"), (paths) => paths.texts()),
    rootfsPropagation: field.get("rootfsPropagation").text(),
  });
}

function readResources(field: JsonField): Omit<ResourcesSpec, "devices"> {
  return withUnknown(field, {
    memory: optional(field.get("memory"), (memory) =>
      withUnknown(memory, {
        limit: memory.get("limit").wideInteger(),
        reservation: memory.get("reservation").wideInteger(),
        swap: memory.get("swap").wideInteger(),
        swappiness: memory.get("swappiness").integer(),
      }),
    ),
    cpu: optional(field.get("cpu"), (cpu) =>
      withUnknown(cpu, {
        shares: cpu.get("shares").integer(),
        quota: cpu.get("quota").integer(),
        period: cpu.get("period").integer(),
        cpus: cpu.get("cpus").text(),
        mems: cpu.get("mems").text(),
      }),
    ),
    pids: optional(field.get("pids"), (pids) =>
      withUnknown(pids, { limit: pids.get("limit").integer() ?? 0 }),
    ),
  });
}
