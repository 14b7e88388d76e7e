import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { notifyServiceManager } from "./sd-notify.ts";

/** Node has no datagram sockets of this family: Python receives, prints that it listens, and then what came. */
const receiver = `
import socket, sys
name = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0" + name[1:] if name.startswith("@") else name)
print("listening", flush=True)
print(repr(s.recv(4096).decode()), flush=True)
`;

async function received(address: string, state: string): Promise<string | undefined> {
  const child = spawn("python3", ["-c", receiver, address], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, "listening");
  notifyServiceManager(state, address);
  const { value } = await lines.next();
  return value;
}

describe("notifyServiceManager", () => {
  const folder = mkdtempSync(join(tmpdir(), "sd notify ü "));
  after(() => rmSync(folder, { recursive: true }));

  it("sends to a socket in the file system", async () => {
    assert.equal(await received(join(folder, "n"), "READY=1\nSTATUS=ok"), String.raw`'READY=1\nSTATUS=ok'`);
  });

  it("sends to a socket in the abstract namespace", async () => {
    assert.equal(await received(`@slipway-test/${process.pid}`, "STOPPING=1"), "'STOPPING=1'");
  });

  it("does nothing if no service manager asked", () => {
    notifyServiceManager("READY=1", "");
  });

  it("says that nobody receives", () => {
    assert.throws(() => notifyServiceManager("READY=1", join(folder, "nobody")), { code: "ENOENT" });
    assert.throws(() => notifyServiceManager("READY=1", `/${"x".repeat(108)}`), /more than 107 bytes/);
  });
});
