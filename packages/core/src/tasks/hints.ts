/*
 * A runtime says only in words why it failed. These are the one place that reads them: whoever needs to know takes the
 * reason from here, or from the details of a slipwayd's answer, which come from here.
 */

/** What a failure of a runtime means, and what can be done. */
export interface Hint {
  readonly reason: string;
  readonly hint: string;
}

/** What must be known beside the runtime's words. */
export interface HintFacts {
  /** Of this machine, such as `amd64`. */
  readonly architecture: string;
  /** Of the container's image; undefined without one. */
  readonly imageArchitecture?: string | undefined;
  /** How many processors this machine has. */
  readonly processors: number;
}

interface Rule {
  /** In the words of runc, crun or the kernel. */
  readonly pattern: RegExp;
  readonly reason: string;
  readonly hint: (match: RegExpExecArray, facts: HintFacts) => string;
}

const quoted = String.raw`[\x22'\x60]([^\x22'\x60]+)[\x22'\x60]`;

/* The first that fits is taken, so what is special stands before what is general. */
const rules: readonly Rule[] = [
  {
    pattern: /unknown command (?:checkpoint|restore)/,
    reason: "CRIU",
    hint: () => "this crun was built without criu: take one whose --version says +CRIU, or runc",
  },
  {
    pattern: /could not load .libcriu/,
    reason: "CRIU",
    hint: () => "crun makes checkpoints by criu's library (apt-get install libcriu2)",
  },
  {
    pattern: /criu/i,
    reason: "CRIU",
    hint: () => "checkpoints need criu (apt-get install criu) and a kernel that `criu check` finds good",
  },
  {
    pattern:
      /unable to retrieve OCI runtime error.*(?:exec: "([^"]+)": executable file not found|fork\/exec (\S+):)/s,
    reason: "RUNTIME_MISSING",
    hint: ([, name, path]) => `the runtime "${name ?? path}" is not installed where the daemon looks for it`,
  },
  {
    pattern: /binary not installed "(containerd-shim-[^"]+)"/,
    reason: "SHIM_MISSING",
    hint: ([, name]) => `there is no "${name}" on the daemon's PATH`,
  },
  {
    pattern: /exec format error/i,
    reason: "EXEC_FORMAT",
    hint: (_, { architecture, imageArchitecture }) =>
      imageArchitecture !== undefined && imageArchitecture !== architecture
        ? `the image is ${imageArchitecture}, this host ${architecture}`
        : "the file is no program of this machine, or a script without its first line, #!",
  },
  {
    pattern: new RegExp(`exec(?:: |utable file )${quoted}:? (?:executable file )?not found in \\$PATH`, "i"),
    reason: "PROGRAM_NOT_FOUND",
    hint: ([, name]) => `no folder of the container's PATH has a program "${name}"`,
  },
  {
    pattern: new RegExp(`exec: ${quoted}: stat .*: no such file or directory`),
    reason: "PROGRAM_NOT_FOUND",
    hint: ([, name]) => `the container has no file "${name}"`,
  },
  {
    pattern: new RegExp(`exec: ${quoted}: (?:is a directory|permission denied)`),
    reason: "PROGRAM_NOT_EXECUTABLE",
    hint: ([, name]) => `"${name}" is a folder, or a file that may not be executed (chmod +x)`,
  },
  {
    pattern: /unable to set memory limit to (\d+) \(current usage: \d+, peak usage: (\d+)\)/,
    reason: "MEMORY_LIMIT_TOO_LOW",
    hint: ([, limit, peak]) =>
      `starting a container takes more memory than ${limit} bytes: give it ${mebibytes(Number(peak) * 2)} MiB or more`,
  },
  {
    pattern: /memory limit too low|container init was OOM-killed|Cannot allocate memory/i,
    reason: "MEMORY_LIMIT_TOO_LOW",
    hint: () => "starting a container takes some megabytes: raise its memory limit",
  },
  {
    pattern:
      /cpuset\.(?:cpus|mems).*?: (?:numerical result out of range|invalid argument|permission denied)/i,
    reason: "NO_SUCH_PROCESSOR",
    hint: (_, { processors }) => `this machine has the processors 0-${processors - 1}`,
  },
  {
    pattern: /no space left on device|disk quota exceeded/i,
    reason: "NO_SPACE",
    hint: () => "a file system is full, in bytes (df) or in files (df -i)",
  },
  {
    pattern: /resource temporarily unavailable|can't fork|pids\.max/i,
    reason: "TOO_MANY_PROCESSES",
    hint: () => "the limit of processes is reached: the container's (--pids-limit), or the machine's",
  },
  {
    pattern: /cannot be mounted because it is (?:not a procfs|inside)? ?(?:inside )?\/?proc/i,
    reason: "MOUNT_IN_PROC",
    hint: () => "nothing but a few files may be mounted inside /proc",
  },
  {
    pattern: new RegExp(
      `(?:to rootfs at|mkdir|mkdirat|openat|creat)\\S* ${quoted}?.*read-only file system`,
      "is",
    ),
    reason: "MOUNT_POINT_MISSING",
    hint: ([, path]) =>
      `${path === undefined ? "a mount point" : `"${path}"`} is not in the image, and cannot be made in a read-only file system`,
  },
  {
    pattern: /container init: mkdir (\S+): (?:not a directory|file exists)|chdir to cwd \(.*not a directory/i,
    reason: "WORKING_DIRECTORY",
    hint: ([, path]) =>
      `the working directory${path === undefined ? "" : ` "${path}"`} is a file in the image, or a symlink to nowhere`,
  },
  {
    pattern: /not a directory|mount a directory onto a file|is a directory/i,
    reason: "MOUNT_KIND",
    hint: () => "a folder can only be mounted on a folder, and a file on a file",
  },
  {
    pattern: new RegExp(`error mounting ${quoted} to rootfs.*no such file or directory`, "s"),
    reason: "MOUNT_SOURCE_MISSING",
    hint: ([, path]) => `is there a "${path}" on this machine, as the daemon sees it?`,
  },
  {
    pattern: /apparmor/i,
    reason: "APPARMOR",
    hint: () => "is the AppArmor profile loaded (aa-status)? --security-opt apparmor=unconfined goes without",
  },
  {
    pattern: /operation not permitted/i,
    reason: "NOT_PERMITTED",
    hint: () =>
      "the kernel does not let the daemon do that: does it run as root, and outside of a container itself?",
  },
];

/** What can be done about a runtime's failure; undefined for words that are not known. */
export function hintFor(message: string, facts: HintFacts): Hint | undefined {
  const found = findRule(message);
  return found && { reason: found.rule.reason, hint: found.rule.hint(found.match, facts) };
}

/** The reason of a runtime's failure, such as `PROGRAM_NOT_FOUND`; undefined for words that are not known. */
export function failureReason(message: string): string | undefined {
  return findRule(message)?.rule.reason;
}

function findRule(message: string): { rule: Rule; match: RegExpExecArray } | undefined {
  for (const rule of rules) {
    const match = rule.pattern.exec(message);
    if (match) return { rule, match };
  }
  return undefined;
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 ** 2);
}
