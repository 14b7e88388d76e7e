import { constants } from "node:os";
import { JsonField, parseJson } from "@slipway/oci/documents/json-field";
import type { SeccompSpec, SyscallRuleSpec } from "@slipway/oci/runtime-spec";
import { matches, readCondition, type SeccompMachine } from "./seccomp-conditions.ts";

type Argument = NonNullable<SyscallRuleSpec["args"]>[number];

/*
 * What libseccomp knows: https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp. A word that is
 * not here may be a newer one; as nobody knows what it would have forbidden, it is refused.
 */
const actions = words("SCMP_ACT_", "KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY");
const architectures = words(
  "SCMP_ARCH_",
  "X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X " +
    "PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB",
);
const operators = words("SCMP_CMP_", "NE LT LE EQ GE GT MASKED_EQ");
const flags = words("SECCOMP_FILTER_FLAG_", "TSYNC LOG SPEC_ALLOW WAIT_KILLABLE_RECV");

/** The kernel's MAX_ERRNO. */
const errnoRange = { min: 0, max: 4095 };

const profileFields = (
  "$schema defaultAction defaultErrno defaultErrnoRet architectures archMap flags listenerPath listenerMetadata " +
  "syscalls"
).split(" ");
const ruleFields = [
  "name",
  "names",
  "action",
  "errno",
  "errnoRet",
  "args",
  "comment",
  "includes",
  "excludes",
];

/**
 * Reads a seccomp profile in Docker's format or the runtime spec's, for a container with these capabilities on this
 * machine: rules whose conditions do not hold are left out.
 * https://github.com/moby/profiles/blob/main/seccomp/seccomp.go
 *
 * Unlike Docker, which ignores a field that it does not know and switches the filter off for a profile without a default
 * action, this refuses both: the container would have more rights than the profile's author meant.
 * @param document what messages call it, such as `seccomp profile "/etc/p.json"`
 * @throws {Fault} `invalid_argument`, naming the field
 */
export function parseSeccompProfile(
  document: string,
  text: Uint8Array | string,
  capabilities: readonly string[],
  machine?: SeccompMachine,
): SeccompSpec {
  return readProfile(parseJson(document, text), capabilities, machine);
}

/** As `parseSeccompProfile`, of a value that is parsed already. @throws {Fault} `invalid_argument` */
export function checkSeccompProfile(
  profile: unknown,
  capabilities: readonly string[],
  machine?: SeccompMachine,
): SeccompSpec {
  const field = new JsonField({ name: "seccomp profile", code: "invalid_argument" }, profile);
  return readProfile(field, capabilities, machine);
}

function readProfile(
  field: JsonField,
  capabilities: readonly string[],
  machine: SeccompMachine = {},
): SeccompSpec {
  refuseOthers(field.required(), profileFields);
  const errno = readErrno(field.get("defaultErrnoRet"), field.get("defaultErrno"));
  const listener = field.get("listenerPath").text();
  const metadata = field.get("listenerMetadata").text();
  const own = readArchitectures(field, machine);
  const flagWords = field.get("flags").list((item) => readWord(item, flags));
  const rules = field.get("syscalls").list((rule) => readRule(rule, capabilities, machine));
  return {
    defaultAction: readWord(field.get("defaultAction"), actions),
    ...(errno === undefined ? {} : { defaultErrnoRet: errno }),
    ...(own.length > 0 ? { architectures: own } : {}),
    ...(flagWords.length > 0 ? { flags: flagWords } : {}),
    ...(listener ? { listenerPath: listener } : {}),
    ...(metadata ? { listenerMetadata: metadata } : {}),
    syscalls: rules.filter((rule) => rule !== undefined),
  };
}

/** Docker's map names what each machine's processors run besides their own. */
function readArchitectures(field: JsonField, machine: SeccompMachine): string[] {
  const list = field.get("architectures");
  const map = field.get("archMap");
  const named = list.list((item) => readWord(item, architectures));
  const entries = map.list((entry) => {
    refuseOthers(entry.required(), ["architecture", "subArchitectures"]);
    const architecture = readWord(entry.get("architecture"), architectures);
    const others = entry.get("subArchitectures").list((item) => readWord(item, architectures));
    return { architecture, others };
  });
  if (named.length > 0 && entries.length > 0) {
    throw map.refuse('and "architectures" exclude each other');
  }
  const own = entries.find(({ architecture }) => matches({ abi: architecture }, [], machine));
  return own ? [own.architecture, ...own.others] : named;
}

/** Undefined for a rule whose conditions do not hold. Those that do not count are read all the same, to be refused. */
function readRule(
  field: JsonField,
  capabilities: readonly string[],
  machine: SeccompMachine,
): SyscallRuleSpec | undefined {
  refuseOthers(field.required(), ruleFields);
  field.get("comment").text();
  const names = readNames(field);
  const action = readWord(field.get("action"), actions);
  const errnoRet = readErrno(field.get("errnoRet"), field.get("errno"));
  const args = field.get("args").list(readArgument);
  const includes = readCondition(field.get("includes"));
  const excludes = readCondition(field.get("excludes"));
  if (excludes && matches({ ...excludes, any: true }, capabilities, machine)) return undefined;
  if (includes && !matches(includes, capabilities, machine)) return undefined;
  return {
    names,
    action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    ...(args.length > 0 ? { args } : {}),
  };
}

/** Profiles of before 2016 have one name a rule. */
function readNames(field: JsonField): string[] {
  const single = field.get("name").text() || undefined;
  const names = field.get("names").list((item) => readName(item));
  if (single !== undefined && names.length > 0)
    throw field.get("name").refuse('and "names" exclude each other');
  if (single !== undefined) return [readName(field.get("name"))];
  if (names.length === 0) throw field.get("names").refuse("names no system call");
  return names;
}

function readName(field: JsonField): string {
  const name = field.required().text() ?? "";
  if (!/^\w+$/.test(name)) throw field.unexpected("a system call");
  return name;
}

function readArgument(field: JsonField): Argument {
  refuseOthers(field.required(), ["index", "value", "valueTwo", "op"]);
  const valueTwo = field.get("valueTwo").integer({ min: 0 });
  return {
    index: field.get("index").integer({ min: 0, max: 5 }) ?? 0,
    // Beyond what a double holds exactly, another number than the profile's would be compared: that is refused.
    value: field.get("value").integer({ min: 0 }) ?? 0,
    ...(valueTwo === undefined ? {} : { valueTwo }),
    op: readWord(field.get("op"), operators),
  };
}

/** `errno` is Podman's: the name of what `errnoRet` is the number of. */
function readErrno(number: JsonField, name: JsonField): number | undefined {
  const value = number.integer(errnoRange);
  const word = name.text() || undefined;
  if (word === undefined) return value;
  const named = new Map<string, number>(Object.entries(constants.errno)).get(word);
  if (named === undefined) throw name.unexpected("one that is known");
  if (value !== undefined && value !== named)
    throw name.refuse(`is ${word}, which is ${named}, not ${value}`);
  return named;
}

function readWord(field: JsonField, known: ReadonlySet<string>): string {
  const word = field.required().text() ?? "";
  if (!known.has(word)) throw field.unexpected("one that is known");
  return word;
}

function refuseOthers(field: JsonField, known: readonly string[]): void {
  const [name] = Object.keys(field.others(known));
  if (name !== undefined) throw field.get(name).refuse("is not known");
}

function words(prefix: string, text: string): ReadonlySet<string> {
  return new Set(text.split(" ").map((word) => prefix + word));
}
