import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { output } from "../support/run.ts";
import { ours } from "./combinations.ts";
import { TaskHost } from "./host.ts";

const name = `slipway-test-${process.pid}`;
const profile = `profile ${name} flags=(attach_disconnected,mediate_deleted) {
  file, capability, network, signal, ptrace, mount, umount, unix,
  deny /tmp/forbidden w,
}
`;

describe(
  "an AppArmor profile",
  { skip: !existsSync("/sys/kernel/security/apparmor"), timeout: 900_000 },
  () => {
    for (const binary of ["runc", "crun"]) {
      describe(`with ${binary}`, { timeout: 900_000 }, () => {
        let host: TaskHost;
        before(async () => {
          host = await TaskHost.start({ ...ours, binary, isSystemd: false });
          const file = host.daemon.folder.join("profile");
          writeFileSync(file, profile);
          await output("apparmor_parser", ["--replace", file]);
        });
        after(async () => {
          await output("apparmor_parser", ["--remove", host.daemon.folder.join("profile")]);
          await host[Symbol.asyncDispose]();
        });

        it("confines a task, and its execs when they are told to", async () => {
          const script =
            "cat /proc/self/attr/current; echo x > /tmp/forbidden || echo refused; echo y > /tmp/free && echo ok";
          const task = await host.run(`${script}; read line`, {
            stdin: true,
            adjust: ({ process }) => {
              process.apparmorProfile = name;
            },
          });
          await task.stdout?.until("ok");
          const exec = await task.exec("one", ["sh", "-c", script], { apparmorProfile: name });
          await exec.start();
          const expected = `${name} (enforce)\nrefused\nok\n`;
          assert.equal((await exec.printed())[0], expected);
          assert.equal((await exec.wait()).exitStatus, 0);
          task.stdio?.stdin?.end("\n");
          assert.equal((await task.wait()).exitStatus, 0);
          assert.equal((await task.printed())[0], expected);
          await task.delete();
        });

        it("that is not loaded is an error that names it", async () => {
          const adjust = ({ process }: { process: { apparmorProfile?: string } }): void => {
            process.apparmorProfile = "no-such-profile";
          };
          await assert.rejects(async () => {
            const task = await host.create("true", { adjust });
            try {
              await task.start();
            } finally {
              await task.delete();
            }
          }, /apparmor|no-such-profile/);
        });
      });
    }
  },
);
