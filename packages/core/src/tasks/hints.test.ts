import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Hint, hintFor } from "./hints.ts";

const facts = { architecture: "amd64", imageArchitecture: "arm64", processors: 2 };
const create = "OCI runtime create failed: runc create failed: unable to start container process:";

/** What runc 1.1, crun 1.8 and the kernel say. */
const said: readonly (readonly [words: string, reason: string, hint: RegExp])[] = [
  [`${create} exec: "nope": executable file not found in $PATH`, "PROGRAM_NOT_FOUND", /"nope"/],
  [
    "OCI runtime create failed: executable file `nope` not found in $PATH: No such file or directory",
    "PROGRAM_NOT_FOUND",
    /"nope"/,
  ],
  [
    `${create} exec: "/bin/nope": stat /bin/nope: no such file or directory`,
    "PROGRAM_NOT_FOUND",
    /no file "\/bin\/nope"/,
  ],
  [`${create} exec: "/etc": permission denied`, "PROGRAM_NOT_EXECUTABLE", /"\/etc" is a folder/],
  [`${create} exec /bin/arm: exec format error`, "EXEC_FORMAT", /^the image is arm64, this host amd64$/],
  [
    `${create} error setting cgroup config: unable to set memory limit to 1000 (current usage: 2293760, peak usage: 2748416)`,
    "MEMORY_LIMIT_TOO_LOW",
    /more memory than 1000 bytes: give it 6 MiB/,
  ],
  [
    `${create} unable to apply cgroup configuration: failed to write "77": write /sys/fs/cgroup/cpuset/x/cpuset.cpus: numerical result out of range`,
    "NO_SUCH_PROCESSOR",
    /processors 0-1/,
  ],
  [`mkdir /run/x: no space left on device`, "NO_SPACE", /full/],
  [
    `${create} error mounting "/tmp" to rootfs at "/proc/x": "/b/rootfs/proc/x" cannot be mounted because it is inside /proc`,
    "MOUNT_IN_PROC",
    /\/proc/,
  ],
  [
    `${create} error mounting "/tmp" to rootfs at "/new": mkdir /b/rootfs/new: read-only file system`,
    "MOUNT_POINT_MISSING",
    /"\/new" is not in the image/,
  ],
  [
    `${create} error mounting "/etc/hosts" to rootfs at "/etc": mount /etc/hosts:/etc, flags: 0x5000: not a directory`,
    "MOUNT_KIND",
    /folder/,
  ],
  [
    "OCI runtime create failed: runc create failed: unable to start container process: error during container init: mkdir /file: not a directory",
    "WORKING_DIRECTORY",
    /directory "\/file" is a file/,
  ],
  [
    `${create} error mounting "/gone" to rootfs at "/x": stat /gone: no such file or directory`,
    "MOUNT_SOURCE_MISSING",
    /"\/gone"/,
  ],
  [
    'OCI runtime create failed: unable to retrieve OCI runtime error (open /b/log.json: no such file or directory): exec: "runc": executable file not found in $PATH',
    "RUNTIME_MISSING",
    /"runc"/,
  ],
  [
    'failed to resolve runtime path: runtime "io.containerd.nope.v1" binary not installed "containerd-shim-nope-v1": file does not exist',
    "SHIM_MISSING",
    /containerd-shim-nope-v1/,
  ],
  [
    "OCI runtime checkpoint failed: unable to retrieve OCI runtime error (open /b/log.json: no such file or directory): exit status 1: unknown command checkpoint",
    "CRIU",
    /built without criu/,
  ],
  [
    "OCI runtime checkpoint failed: could not load `libcriu.so.2`: `libcriu.so.2: cannot open shared object file: No such file or directory`",
    "CRIU",
    /libcriu2/,
  ],
  [
    'OCI runtime checkpoint failed: CRIU version check failed: exec: "criu": executable file not found in $PATH',
    "CRIU",
    /criu check/,
  ],
];

describe("hintFor", () => {
  for (const [words, reason, hint] of said) {
    it(`says ${reason} to "${words.slice(-48)}"`, () => {
      const found: Hint | undefined = hintFor(words, facts);
      assert.equal(found?.reason, reason);
      assert.match(found.hint, hint);
    });
  }

  it("does not blame the architecture of an image that fits, and is silent where it knows nothing", () => {
    const fitting = hintFor("exec format error", { ...facts, imageArchitecture: "amd64" });
    assert.match(fitting?.hint ?? "", /#!/);
    assert.equal(hintFor("something else", facts), undefined);
  });
});
