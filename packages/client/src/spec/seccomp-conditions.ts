import { release } from "node:os";
import type { JsonField } from "@slipway/oci/documents/json-field";

/** What conditions are about; this machine's by default. */
export interface SeccompMachine {
  /** As `process.arch` has it. */
  readonly architecture?: string;
  /** As uname(2) has it, such as `6.12.3-cloud-amd64`. */
  readonly kernelRelease?: string;
}

/** When a rule of Docker's profiles counts. */
export interface SeccompCondition {
  readonly caps?: readonly string[];
  /** Docker's names, such as `amd64`: one of them has to be the machine's. */
  readonly arches?: readonly string[];
  readonly minKernel?: KernelVersion;
  /** libseccomp's name of the machine's own architecture. */
  readonly abi?: string;
  /** Whether one of the conditions is enough, and one capability of several. */
  readonly any?: boolean;
}

interface KernelVersion {
  readonly major: number;
  readonly minor: number;
}

/** Docker's and libseccomp's names, by `process.arch`. */
const namesOf: Readonly<Record<string, { readonly docker: string; readonly abi: string }>> = {
  x64: { docker: "amd64", abi: "SCMP_ARCH_X86_64" },
  ia32: { docker: "x86", abi: "SCMP_ARCH_X86" },
  arm64: { docker: "arm64", abi: "SCMP_ARCH_AARCH64" },
  arm: { docker: "arm", abi: "SCMP_ARCH_ARM" },
  ppc64: { docker: "ppc64le", abi: "SCMP_ARCH_PPC64LE" },
  riscv64: { docker: "riscv64", abi: "SCMP_ARCH_RISCV64" },
  s390x: { docker: "s390x", abi: "SCMP_ARCH_S390X" },
  loong64: { docker: "loongarch64", abi: "SCMP_ARCH_LOONGARCH64" },
};

/** Reads `includes` or `excludes` of a rule; undefined if it is missing. @throws {Fault} */
export function readCondition(field: JsonField): SeccompCondition | undefined {
  if (field.isMissing) return undefined;
  const [other] = Object.keys(field.others(["caps", "arches", "minKernel"]));
  // It may well decide whether the rule counts.
  if (other !== undefined) throw field.get(other).refuse("is not a condition that is known");
  const minKernel = readKernel(field.get("minKernel"));
  return {
    caps: field.get("caps").list(readCapability),
    arches: field.get("arches").texts(),
    ...(minKernel ? { minKernel } : {}),
  };
}

/** Whether a condition holds for a container with these capabilities. */
export function matches(
  { caps = [], arches = [], minKernel, abi, any = false }: SeccompCondition,
  capabilities: readonly string[],
  { architecture = process.arch, kernelRelease = release() }: SeccompMachine,
): boolean {
  const own = namesOf[architecture];
  const has = (name: string): boolean => capabilities.includes(name);
  const tests = [
    ...(caps.length > 0 ? [any ? caps.some(has) : caps.every(has)] : []),
    ...(arches.length > 0 ? [arches.includes(own?.docker ?? architecture)] : []),
    ...(minKernel ? [isAtLeast(kernelRelease, minKernel)] : []),
    ...(abi === undefined ? [] : [abi === own?.abi]),
  ];
  return any ? tests.includes(true) : !tests.includes(false);
}

/** A newer kernel's capability may be named here, so it need not be known; one without `CAP_` never counts in Docker. */
function readCapability(field: JsonField): string {
  const name = field.required().text() ?? "";
  if (!/^CAP_[A-Z0-9_]+$/.test(name)) {
    throw field.unexpected('a capability such as "CAP_SYS_ADMIN"');
  }
  return name;
}

function readKernel(field: JsonField): KernelVersion | undefined {
  const text = field.text() ?? "";
  if (text === "") return undefined;
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})$/.exec(text) ?? [];
  if (major === undefined || minor === undefined) {
    throw field.unexpected('a version of the kernel such as "4.8"');
  }
  return { major: Number(major), minor: Number(minor) };
}

/** Only a version's first two numbers count: distributions put their own behind them. */
function isAtLeast(kernelRelease: string, { major, minor }: KernelVersion): boolean {
  const [, ownMajor = 0, ownMinor = 0] = /^(\d+)\.(\d+)/.exec(kernelRelease) ?? [];
  return Number(ownMajor) > major || (Number(ownMajor) === major && Number(ownMinor) >= minor);
}
