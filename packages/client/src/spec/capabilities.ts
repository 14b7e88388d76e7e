import { Fault } from "@slipway/fault/fault";

/** What a container may do by default: containerd's pkg/oci/spec.go, and Docker's. */
const defaults =
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE";

/** Every capability by its number: include/uapi/linux/capability.h */
const all =
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";

const namesOf = (words: string): string[] => words.split(" ").map((word) => `CAP_${word}`);

/** `held`: this process's bounding set as /proc/self/status shows it, in hex. Nobody can give more than they have. */
export function allCapabilities(held: string): string[] {
  const bits = BigInt(`0x${held}`);
  return namesOf(all).filter((_, bit) => (bits >> BigInt(bit)) & 1n);
}

/**
 * The capabilities of a container after Docker's `--cap-add` and `--cap-drop`, which know `ALL` and names with and
 * without `CAP_`. One that is both added and dropped is dropped, as nerdctl has it.
 * @throws {Fault} `invalid_argument` for a name that does not exist; `failed_precondition` for one that is added and that
 * this process does not have itself
 */
export function capabilitiesOf(add: readonly string[], drop: readonly string[], held: string): string[] {
  const added = add.map(normalize);
  const dropped = drop.map(normalize);
  const everything = allCapabilities(held);
  const base = added.includes("ALL") ? everything : dropped.includes("ALL") ? [] : namesOf(defaults);
  const chosen = new Set([...base, ...added].filter((name) => name !== "ALL"));
  for (const name of dropped) chosen.delete(name);
  // The runtime would go on without it.
  const missing = added.find((name) => chosen.has(name) && !everything.includes(name));
  if (missing !== undefined) {
    throw new Fault(
      "failed_precondition",
      `Cannot add capability "${missing}": this process does not have it`,
    );
  }
  return [...chosen];
}

function normalize(name: string): string {
  const upper = name.toUpperCase();
  if (upper === "ALL") return upper;
  const full = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  if (namesOf(all).includes(full)) return full;
  throw new Fault("invalid_argument", `Cannot use capability "${name}": there is none of this name`);
}
