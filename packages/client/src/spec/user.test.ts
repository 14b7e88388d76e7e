import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import { resolveGroups, resolveUser } from "./user.ts";

const folder = mkdtempSync(join(tmpdir(), "slipway-user-"));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

/** A root file system with these files; undefined for one that is missing. */
function rootWith(passwd: string | undefined, group: string | undefined): string {
  const root = join(folder, `root-${count++}`);
  mkdirSync(join(root, "etc"), { recursive: true });
  if (passwd !== undefined) writeFileSync(join(root, "etc/passwd"), passwd);
  if (group !== undefined) writeFileSync(join(root, "etc/group"), group);
  return root;
}

const root = rootWith(
  "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\n",
  "root:x:0:root\nwheel:x:10:root,app\nstaff:x:50:\n",
);

describe("resolveUser", () => {
  it("finds names and numbers, and the groups that list the user", () => {
    assert.deepEqual(resolveUser("app", root), { uid: 1000, gid: 1001, additionalGids: [1001, 10] });
    assert.deepEqual(resolveUser("1000", root), { uid: 1000, gid: 1001, additionalGids: [1001, 10] });
    assert.deepEqual(resolveUser("app:staff", root), { uid: 1000, gid: 50, additionalGids: [50, 10] });
    assert.deepEqual(resolveUser("", root), { uid: 0, gid: 0, additionalGids: [0, 10] });
    assert.deepEqual(resolveGroups(["staff", "7"], root), [50, 7]);
  });

  it("takes numbers that are not listed, and refuses names that are not", () => {
    assert.deepEqual(resolveUser("77:88", root), { uid: 77, gid: 88, additionalGids: [88] });
    assert.deepEqual(resolveUser("+77:0088", root), { uid: 77, gid: 88, additionalGids: [88] });
    for (const user of ["nobody", " 0", "1e3", "0x0", "root ", "app:none", "١"]) {
      assert.throws(
        () => resolveUser(user, root),
        (error) => hasCode(error, "not_found"),
        user,
      );
    }
  });

  it("takes what is missing before or after the colon from the other half", () => {
    assert.deepEqual(resolveUser("app:", root), { uid: 1000, gid: 1001, additionalGids: [1001, 10] });
    assert.deepEqual(resolveUser(":50", root), { uid: 0, gid: 50, additionalGids: [50, 0, 10] });
    assert.deepEqual(resolveUser(":", root), { uid: 0, gid: 0, additionalGids: [0, 10] });
    assert.throws(() => resolveUser("app:50:", root), /"app:50:": it is not USER\[:GROUP\]/);
  });

  it("works without the files, for numbers", () => {
    const empty = rootWith(undefined, undefined);
    assert.deepEqual(resolveUser("5", empty), { uid: 5, gid: 0, additionalGids: [0] });
    assert.deepEqual(resolveUser("", empty), { uid: 0, gid: 0, additionalGids: [0] });
    assert.throws(() => resolveUser("root", empty), /unable to find user root/);
  });
});

describe("a number that does not fit", () => {
  const numbers = ["10000000000000", "18446744073709551616", "4294967296", "4294967295", "2147483648", "-1"];
  const hostile = rootWith(
    numbers.map((name) => `${name}:x:0:0::/:/bin/sh\n`).join(""),
    numbers.map((name) => `${name}:x:0:\n`).join(""),
  );
  for (const number of numbers) {
    it(`${number} is refused, and not taken for a name of the image's`, () => {
      assert.throws(() => resolveUser(number, hostile), /Cannot read uid ".*": it is out of range/);
      assert.throws(() => resolveUser(`7:${number}`, hostile), /Cannot read gid ".*": it is out of range/);
      assert.throws(() => resolveGroups([number], hostile), /Cannot read gid ".*": it is out of range/);
    });
  }

  it("is refused in the line that is chosen, and does not matter in others", () => {
    const passwd = "big:x:4294967296:0::/:\nnone:x::7::/:\nshort\n# text\nodd:x:5:-1::/:\nfine:x:5:6::/:\n";
    const odd = rootWith(passwd, "big:x:99999999999:\nwheel:x:10:fine\n");
    assert.throws(() => resolveUser("big", odd), /uid of user "big" in \/etc\/passwd "4294967296"/);
    assert.throws(() => resolveUser("none", odd), /uid of user "none" in \/etc\/passwd ""/);
    assert.throws(() => resolveUser("short", odd), /uid of user "short" in \/etc\/passwd ""/);
    assert.throws(() => resolveUser("5", odd), /gid of user "odd" in \/etc\/passwd "-1"/);
    assert.throws(() => resolveUser("5:big", odd), /gid of group "big" in \/etc\/group "99999999999"/);
    assert.deepEqual(resolveUser("fine", odd), { uid: 5, gid: 6, additionalGids: [6, 10] });
    assert.deepEqual(resolveUser("5:6", odd).gid, 6);
  });
});

describe("the files of an image", () => {
  it("may have CRLF, empty lines and a name twice: then the first one counts", () => {
    const odd = rootWith("\r\n\r\napp:x:3:4::/:/bin/sh\r\napp:x:0:0::/:\r\n", "a:x:9:app\r\n");
    assert.deepEqual(resolveUser("app", odd), { uid: 3, gid: 4, additionalGids: [4, 9] });
  });

  it("give an empty name to nobody", () => {
    const odd = rootWith(":x:0:0::/:\n", ":x:0:\n");
    assert.throws(() => resolveUser("0:nobody", odd), /unable to find group nobody/);
    assert.throws(() => resolveGroups([""], odd), /unable to find group/);
  });

  it("are not looked for outside of the root file system", () => {
    const odd = rootWith(undefined, undefined);
    symlinkSync("/etc/passwd", join(odd, "etc/passwd"));
    assert.throws(() => resolveUser("daemon", odd), /symbolic links lead in a circle/);
    const outside = rootWith(undefined, undefined);
    symlinkSync("../../../../../../etc/shells", join(outside, "etc/passwd"));
    assert.throws(() => resolveUser("daemon", outside), /unable to find user daemon/);
  });

  it("are followed inside of it", () => {
    const odd = rootWith(undefined, undefined);
    mkdirSync(join(odd, "usr/lib"), { recursive: true });
    writeFileSync(join(odd, "usr/lib/passwd"), "app:x:3:4::/:\n");
    symlinkSync("/usr/lib/passwd", join(odd, "etc/passwd"));
    assert.equal(resolveUser("app", odd).uid, 3);
  });

  it("are refused when they are no files, or too large", () => {
    const directory = rootWith(undefined, undefined);
    mkdirSync(join(directory, "etc/passwd"));
    assert.throws(() => resolveUser("5", directory), /Cannot read "\/etc\/passwd".*: it is a directory/);
    const fifo = rootWith("", undefined);
    execFileSync("mkfifo", [join(fifo, "etc/group")]);
    assert.throws(() => resolveUser("5", fifo), /Cannot read "\/etc\/group".*: it is not a regular file/);
    const huge = rootWith("", "");
    truncateSync(join(huge, "etc/passwd"), 2 ** 33);
    assert.throws(() => resolveUser("root", huge), /8589934592 bytes, more than/);
  });
});
