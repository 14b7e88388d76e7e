import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { linkAt, mkdirAt, readlinkAt, renameAt, symlinkAt, unlinkAt } from "./at.ts";
import { DescriptorSocket, sendDescriptor } from "./descriptor-socket.ts";
import { tryLock } from "./flock.ts";
import { createMemoryFile } from "./memfd.ts";
import { majorOf, makeDevice, minorOf, mkfifo, mknod, S_IF } from "./mknod.ts";
import { MNT } from "./mount-flags.ts";
import { mount, mountAll, unmount, unmountAll } from "./mount.ts";
import { readMountInfo } from "./mountinfo.ts";
import { openAt, RESOLVE } from "./openat2.ts";
import { pidfdOpen, pidfdSendSignal } from "./pidfd.ts";
import { openPty, setWindowSize, windowSize } from "./pty.ts";
import { allocate, punchHole, seekData, seekHole } from "./sparse.ts";
import { startWriteBack, syncFileSystem } from "./sync.ts";
import { setTimes } from "./times.ts";
import { reap } from "./wait.ts";
import { getXattr, listXattrs, removeXattr, setXattr } from "./xattr.ts";

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), "slipway-linux-"));
});
afterEach(() => {
  for (const info of readMountInfo().toReversed()) {
    if (info.mountPoint.startsWith(root)) unmount(info.mountPoint, MNT.DETACH);
  }
  fs.rmSync(root, { recursive: true });
});
const at = (name: string): string => join(root, name);
const directory = (name: string): string => {
  fs.mkdirSync(at(name), { recursive: true });
  return at(name);
};

describe("mount", () => {
  it("mounts and unmounts a tmpfs", () => {
    mount({ type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=64k"] }, root);
    const info = readMountInfo().find(({ mountPoint }) => mountPoint === root);
    assert.equal(info?.type, "tmpfs");
    assert.ok(info.options.includes("nosuid"));
    assert.ok(info.superOptions.includes("size=64k"));
    unmountAll(root);
    assert.equal(
      readMountInfo().some(({ mountPoint }) => mountPoint === root),
      false,
    );
  });

  it("makes a bind mount read-only", () => {
    const [source, target] = [directory("a"), directory("b")];
    mount({ type: "bind", source, options: ["rbind", "ro", "rprivate"] }, target);
    assert.throws(() => fs.writeFileSync(join(target, "x"), ""), { code: "EROFS" });
    fs.writeFileSync(join(source, "x"), "");
    assert.ok(fs.existsSync(join(target, "x")));
  });

  it("says what failed", () => {
    assert.throws(() => mount({ type: "nofs", source: "nofs", options: [] }, root), {
      code: "ENODEV",
      syscall: "mount",
      errno: -19,
    });
    assert.throws(() => unmount(at("none")), { code: "ENOENT", syscall: "umount2", path: at("none") });
  });

  it("stacks more lower directories than a page of options holds", () => {
    const lowers = Array.from({ length: 200 }, (_, index) => {
      const path = directory(`${"long".repeat(10)}/${index}`);
      fs.writeFileSync(join(path, `file-${index}`), "");
      return path;
    });
    const [upper, work, target] = [directory("upper"), directory("work"), directory("merged")];
    const options = [`lowerdir=${lowers.join(":")}`, `upperdir=${upper}`, `workdir=${work}`];
    mount({ type: "overlay", source: "overlay", options }, target);
    assert.equal(fs.readdirSync(target).length, 200);
    fs.writeFileSync(join(target, "new"), "");
    assert.ok(fs.existsSync(join(upper, "new")));
  });

  it("leaves nothing mounted when one of several fails", () => {
    const mounts = [
      { type: "tmpfs", source: "tmpfs", options: [] },
      { type: "nofs", source: "nofs", options: [] },
    ];
    assert.throws(() => mountAll(mounts, root), { code: "ENODEV" });
    assert.equal(
      readMountInfo().some(({ mountPoint }) => mountPoint === root),
      false,
    );
  });
});

describe("files", () => {
  it("handles extended attributes, of symlinks and of names that are not UTF-8", () => {
    const name = Buffer.concat([Buffer.from(at("x")), Buffer.of(0xff)]);
    fs.writeFileSync(name, "");
    setXattr(name, "user.a", Buffer.from("value"));
    assert.equal(getXattr(name, "user.a")?.toString(), "value");
    assert.deepEqual(listXattrs(name), ["user.a"]);
    assert.equal(getXattr(name, "user.b"), undefined);
    removeXattr(name, "user.a");
    assert.deepEqual(listXattrs(name), []);
    fs.symlinkSync("nowhere", at("link"));
    setXattr(at("link"), "trusted.a", Buffer.alloc(0));
    assert.deepEqual(listXattrs(at("link")), ["trusted.a"]);
  });

  it("makes devices and FIFOs", () => {
    mknod(at("null"), S_IF.CHR | 0o600, makeDevice(1, 3));
    const { rdev } = fs.statSync(at("null"));
    assert.deepEqual([majorOf(rdev), minorOf(rdev)], [1, 3]);
    assert.deepEqual([majorOf(makeDevice(300, 70000)), minorOf(makeDevice(300, 70000))], [300, 70000]);
    mkfifo(at("fifo"), 0o600);
    assert.ok(fs.statSync(at("fifo")).isFIFO());
  });

  it("sets times to the nanosecond, of a symlink itself", () => {
    fs.symlinkSync("nowhere", at("link"));
    setTimes(at("link"), { accessedNs: 1n, modifiedNs: 1_700_000_000_123_456_789n });
    assert.equal(fs.lstatSync(at("link"), { bigint: true }).mtimeNs, 1_700_000_000_123_456_789n);
    setTimes(at("link"), { accessedNs: 1n, modifiedNs: -1n });
    assert.equal(fs.lstatSync(at("link"), { bigint: true }).mtimeNs, -1n);
  });

  it("resolves links inside of a root", () => {
    directory("etc");
    fs.writeFileSync(at("etc/passwd"), "mine");
    fs.symlinkSync("/etc/passwd", at("absolute"));
    const fd = fs.openSync(root, "r");
    const inside = openAt(fd, "absolute", fs.constants.O_RDONLY, { resolve: RESOLVE.IN_ROOT });
    assert.equal(fs.readFileSync(inside, "utf8"), "mine");
    assert.throws(() => openAt(fd, "absolute", 0, { resolve: RESOLVE.NO_SYMLINKS }), {
      code: "ELOOP",
      path: "absolute",
    });
    assert.throws(() => openAt(fd, "../x", 0, { resolve: RESOLVE.BENEATH }), { code: "EXDEV" });
    fs.closeSync(inside);
    fs.closeSync(fd);
  });

  it("works below an open directory", () => {
    const fd = fs.openSync(root, "r");
    mkdirAt(fd, "d", 0o755);
    symlinkAt("target", fd, "d/link");
    linkAt(fd, "d/link", fd, "again");
    assert.equal(readlinkAt(fd, "again").toString(), "target");
    renameAt(fd, "again", fd, "moved");
    unlinkAt(fd, "moved");
    unlinkAt(fd, "d/link");
    unlinkAt(fd, "d", { removeDirectory: true });
    assert.deepEqual(fs.readdirSync(root), []);
    fs.closeSync(fd);
  });

  it("punches and finds holes", async () => {
    const fd = fs.openSync(at("sparse"), "w+");
    allocate(fd, 0, 1 << 20);
    fs.writeSync(fd, Buffer.alloc(1 << 20, 1));
    startWriteBack(fd, 0, 0);
    await syncFileSystem(fd);
    punchHole(fd, 65_536, 65_536);
    assert.equal(seekHole(fd, 0), 65_536);
    assert.equal(seekData(fd, 65_536), 131_072);
    assert.equal(seekData(fd, 1 << 20), undefined);
    fs.closeSync(fd);
  });

  it("locks a file once", () => {
    const [one, two] = [fs.openSync(at("lock"), "w"), fs.openSync(at("lock"), "w")];
    assert.equal(tryLock(one), true);
    assert.equal(tryLock(two), false);
    fs.closeSync(one);
    assert.equal(tryLock(two), true);
    fs.closeSync(two);
  });
});

describe("processes", () => {
  it("kills by pidfd, and does not know processes of others", async () => {
    const child = spawn("sleep", ["60"]);
    const exited = new Promise<string | null>((resolve) =>
      child.once("exit", (_, signal) => resolve(signal)),
    );
    const fd = pidfdOpen(child.pid ?? 0);
    pidfdSendSignal(fd, 9);
    assert.equal(await exited, "SIGKILL");
    fs.closeSync(fd);
    assert.equal(reap(1), "unknown");
    assert.throws(() => pidfdOpen(4_194_304), { code: "ESRCH" });
  });

  it("opens a pseudo terminal and sizes it", () => {
    const pty = openPty();
    setWindowSize(pty.master, { columns: 100, rows: 30 });
    assert.deepEqual(windowSize(pty.master), { columns: 100, rows: 30 });
    assert.ok(fs.statSync(pty.path).isCharacterDevice());
    fs.closeSync(pty.master);
  });

  it("hands an open file over a socket", () => {
    using socket = new DescriptorSocket(at("socket"));
    assert.throws(() => socket.receive(), { code: "EAGAIN" });
    const file = createMemoryFile("test");
    fs.writeSync(file, "hello");
    sendDescriptor(at("socket"), file);
    const received = socket.receive();
    assert.equal(fs.readFileSync(`/proc/self/fd/${received}`, "utf8"), "hello");
    fs.closeSync(received);
    fs.closeSync(file);
  });
});
