import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync } from "node:fs";
import { describe, it } from "node:test";
import { pidfdExitStatus, pidfdOpen, pidfdSendSignal } from "./pidfd.ts";
import { onReadable } from "./system-call.ts";

describe("pidfdExitStatus", () => {
  for (const [end, exit] of [
    ["exit 7", { exitCode: 7 }],
    ["kill -9 $BASHPID", { exitCode: 137, signal: 9 }],
  ] as const) {
    it(`tells of a process that is nobody's child here: ${end}`, async () => {
      const pid = orphan(end);
      const pidfd = pidfdOpen(pid);
      const ended = new Promise<void>((resolve) => {
        const stop = onReadable(pidfd, () => {
          stop();
          resolve();
        });
      });
      pidfdSendSignal(pidfd, SIGUSR1);
      await ended;
      assert.deepEqual(pidfdExitStatus(pidfd, pid), exit);
      closeSync(pidfd);
    });
  }
});

/** A process whose parent has ended, and that ends so when SIGUSR1 comes. @returns its pid */
function orphan(end: string): number {
  const loop = "while :; do sleep 0.01; done";
  // The trap is set when the pid is told.
  const script = `exec 3>&1; (trap '${end}' USR1; echo $BASHPID >&3; exec >/dev/null 2>&1 3>&-; ${loop}) &`;
  return Number(execFileSync("bash", ["-c", script], { encoding: "utf8" }));
}
const SIGUSR1 = 10;
