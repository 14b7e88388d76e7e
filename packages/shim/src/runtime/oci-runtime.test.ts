import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { MemoryFile } from "@slipway/linux/memfd";
import { Reaper } from "../reaper.ts";
import { OciRuntime, readPidFile } from "./oci-runtime.ts";

const bundle = mkdtempSync(join(tmpdir(), "slipway-runtime-"));
const reaper = new Reaper();
after(() => rmSync(bundle, { recursive: true }));

/** A runtime that is a shell script: `$log` is the file that it is to log to. */
function runtime(script: string): OciRuntime {
  const binary = join(bundle, "runtime");
  const findLog = 'while [ $# -gt 0 ]; do if [ "$1" = --log ]; then log=$2; fi; shift; done';
  writeFileSync(binary, `#!/bin/sh\n${findLog}\n${script}\n`);
  chmodSync(binary, 0o700);
  return new OciRuntime({ binary, root: bundle, systemdCgroup: false }, bundle, reaper);
}

/** Why `exec` fails, when the container's errors are a file in memory. */
async function failure(program: OciRuntime, action = "exec"): Promise<string> {
  using errors = new MemoryFile("errors");
  using _early = reaper.beginning();
  const said = (): string => errors.text();
  try {
    await program.run("OCI runtime exec failed", [action], { stdio: { stderr: errors.fd }, said });
  } catch (error) {
    return (error as Error).message;
  }
  return "it did not fail";
}

describe("a runtime that fails", () => {
  it("is heard on its errors when its log has none", async () => {
    const why = await failure(runtime('echo "Error: no such program" >&2; : > "$log"; exit 3'));
    assert.equal(why, "OCI runtime exec failed: exit status 3: Error: no such program");
  });

  it("is quoted from its log before its errors", async () => {
    const entry = '{\\n  "msg": "cannot",\\n "level": "error"\\n}\\n';
    const why = await failure(runtime(`echo noise >&2; printf '${entry}' > "$log"; exit 1`));
    assert.equal(why, "OCI runtime exec failed: cannot");
  });

  it("is not explained by what another call has logged", async () => {
    await failure(runtime('echo \'{"level":"error","msg":"the first"}\' > "$log"; exit 1'));
    assert.equal(
      await failure(runtime(': > "$log"; kill -KILL $$')),
      "OCI runtime exec failed: signal: killed",
    );
    assert.deepEqual(readdirSync(bundle), ["runtime"]);
  });

  it("is named when it prints nothing and logs nothing", async () => {
    assert.match(
      await failure(runtime("exit 7")),
      /unable to retrieve OCI runtime error \(open .*\): exit status 7$/,
    );
  });

  it("is quoted in part when it prints without end", async () => {
    const much =
      'i=0; while [ $i -lt 3000 ]; do echo "a very long line $i" >&2; i=$((i+1)); done; : > "$log"; exit 1';
    const why = await failure(runtime(much));
    assert.ok(why.length < 5000, String(why.length));
    assert.match(why, /exit status 1: a very long line 0\n[^]* \.\.\. [^]*line 2999$/);
  });

  it("is named when its program is none for this machine", async () => {
    const other = join(bundle, "other");
    writeFileSync(other, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0]), { mode: 0o700 });
    const program = new OciRuntime({ binary: other, root: bundle, systemdCgroup: false }, bundle, reaper);
    assert.match(await failure(program), /fork\/exec .*other: exec format error$/);
  });

  it("is named when it has started nothing although it says that all is well", () => {
    assert.throws(() => readPidFile(join(bundle, "none.pid")), {
      code: "unknown",
      message: /^Cannot read pid file ".*none.pid": the runtime has not written it$/,
    });
    const path = join(bundle, "odd.pid");
    for (const text of ["", "x", "-1", "0", "1.5", "1 2"]) {
      writeFileSync(path, text);
      assert.throws(() => readPidFile(path), {
        code: "unknown",
        message: `Cannot read pid file "${path}": it holds "${text}"`,
      });
    }
  });

  it("is named when it is missing or cannot be executed", async () => {
    const missing = new OciRuntime(
      { binary: "/no/runc", root: bundle, systemdCgroup: false },
      bundle,
      reaper,
    );
    assert.match(await failure(missing), /fork\/exec \/no\/runc: no such file or directory/);
    const plain = join(bundle, "plain");
    writeFileSync(plain, "text", { mode: 0o600 });
    const denied = new OciRuntime({ binary: plain, root: bundle, systemdCgroup: false }, bundle, reaper);
    assert.match(await failure(denied), /fork\/exec .*plain: permission denied/);
  });
});
