import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MountRequest } from "@slipway/client/mount-request";
import { flagMounts } from "./flag-mounts.ts";
import { mountRequest } from "./mount-flag.ts";
import { sharedMemory } from "./shared-memory.ts";
import { tmpfsRequest } from "./tmpfs-flag.ts";
import { volumeRequest } from "./volume-flag.ts";

function refuses(read: (text: string) => unknown, wrong: Readonly<Record<string, RegExp>>): void {
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => read(text), { name: "Fault", code: "invalid_argument", message }, text);
  }
}

function optionsOf(request: MountRequest): readonly string[] | undefined {
  if (request.type === "bind") return request.options;
  return request.type === "plain" ? request.mount.options : undefined;
}

describe("volumeRequest", () => {
  it("reads a directory, a volume's name and a target alone", () => {
    assert.deepEqual(volumeRequest("/tmp:/data:ro"), {
      type: "bind",
      target: "/data",
      source: "/tmp",
      options: ["rbind", "ro", "rprivate"],
      createsSource: true,
    });
    const named = {
      type: "volume",
      target: "/data",
      name: "db.1-a",
      labels: {},
      readOnly: false,
      copiesUp: true,
    };
    assert.deepEqual(volumeRequest("db.1-a:/data"), named);
    assert.deepEqual(volumeRequest("db.1-a:/data:ro,nocopy"), { ...named, readOnly: true, copiesUp: false });
    assert.deepEqual(volumeRequest("/data"), { ...named, name: undefined });
    for (const relative of [".", "./", "./x/.."]) {
      const request = volumeRequest(`${relative}:/data`);
      assert.equal(request.type === "bind" ? request.source : "", process.cwd());
    }
  });

  it("cleans a target", () => {
    for (const text of ["/a/b", "/a/b/", "//a//b", "/a/./b/.", "/a/c/../b"]) {
      assert.equal(volumeRequest(`/tmp:${text}`).target, "/a/b", text);
    }
  });

  it("reads one mode of each kind", () => {
    assert.deepEqual(optionsOf(volumeRequest("/a:/b:rshared,rw,cached")), ["rbind", "rw", "rshared"]);
    assert.deepEqual(optionsOf(volumeRequest("/a:/b:rro")), ["rbind", "rro", "rprivate"]);
  });

  it("refuses what is none", () => {
    refuses(volumeRequest, {
      "": /not \[SOURCE:\]TARGET/,
      ":/data": /not \[SOURCE:\]TARGET/,
      "/a:": /not \[SOURCE:\]TARGET/,
      "/a:/b:": /not \[SOURCE:\]TARGET/,
      "/a:/b:ro:/c": /not \[SOURCE:\]TARGET/,
      "/a:/b:sideways": /mode "sideways" is not known/,
      "/a:/b:ro,": /mode "" is not known/,
      "/a:/b:ro,rw": /"ro" and "rw" exclude each other/,
      "/a:/b:shared,rslave": /exclude each other/,
      "/a:/b:nocopy": /"nocopy" is not known/,
      "name:/b:shared": /"shared" is not known/,
      "/a:b": /at "b": the target is no absolute path/,
      "/a:/": /at "\/": the root file system/,
      "/a:/b/..": /the root file system/,
      "a/b:/c": /"a\/b" is no volume's name/,
      "~/x:/c": /"~\/x" is no volume's name/,
      ".hidden:/c": /volume ".hidden"/,
      "x:/c": /volume "x"/,
      name: /at "name": the target is no absolute path/,
    });
  });
});

describe("mountRequest", () => {
  it("reads a bind in all its spellings", () => {
    for (const text of [
      "type=bind,source=/tmp,target=/data,readonly",
      "type=bind,src=/tmp,dst=/data,ro",
      'type=bind,"source=/tmp",destination=/data,readonly=true,bind-propagation=rprivate',
      "TYPE=bind,src=/tmp,dst=/data/,readonly=1,consistency=cached",
    ]) {
      const wanted = { type: "bind", target: "/data", source: "/tmp", options: ["rbind", "ro", "rprivate"] };
      assert.deepEqual(mountRequest(text), { ...wanted, createsSource: false }, text);
    }
    const cases = {
      "type=bind,src=/,dst=/d,readonly=false,bind-recursive=disabled,bind-propagation=slave": [
        "bind",
        "rw",
        "slave",
      ],
      "type=bind,src=/,dst=/d,bind-nonrecursive": ["bind", "rw", "rprivate"],
      "type=bind,src=/,dst=/d,ro,bind-recursive=writable": ["rbind", "ro", "rprivate"],
      "type=bind,src=/,dst=/d,ro,bind-recursive=readonly,bind-propagation=rprivate": [
        "rbind",
        "rro",
        "rprivate",
      ],
    };
    for (const [text, options] of Object.entries(cases))
      assert.deepEqual(optionsOf(mountRequest(text)), options);
  });

  it("reads a volume, which is the default", () => {
    const volume = { type: "volume", target: "/d", name: "db", labels: {}, readOnly: false, copiesUp: true };
    assert.deepEqual(mountRequest("src=db,dst=/d"), volume);
    assert.deepEqual(mountRequest("type=volume,dst=/d"), { ...volume, name: undefined });
    assert.deepEqual(
      mountRequest("src=db,dst=/d,ro,volume-nocopy,volume-label=a=b,volume-label=c,volume-driver=local"),
      {
        ...volume,
        readOnly: true,
        copiesUp: false,
        labels: { a: "b", c: "" },
      },
    );
  });

  it("reads a tmpfs", () => {
    const sized = mountRequest("type=tmpfs,target=/run,tmpfs-size=1m,tmpfs-mode=1770");
    assert.deepEqual(optionsOf(sized), ["noexec", "nosuid", "nodev", "size=1048576", "mode=1770"]);
  });

  it("refuses what is none", () => {
    refuses(mountRequest, {
      "": /no field ""/,
      "type=image,src=a,dst=/x": /field "type" is bind, volume, tmpfs, not "image"/,
      "type=bind,dst=/x": /a bind has a source/,
      "type=bind,src=,dst=/x": /a bind has a source/,
      "type=bind,src=/tmp": /no target/,
      "type=bind,src=/tmp,dst=data": /no absolute path/,
      "type=bind,src=/tmp,dst=/": /root file system/,
      "type=bind,src=/tmp,dst=/x,colour=red": /"colour"/,
      "type=bind,src,dst=/x": /"src" has no value/,
      "type=bind,src=/tmp,dst=/x,readonly=perhaps": /"readonly" is true or false, not "perhaps"/,
      "type=bind,src=/tmp,dst=/x,bind-propagation=up": /"bind-propagation"/,
      "type=bind,src=/tmp,dst=/x,bind-recursive=maybe": /"bind-recursive"/,
      "type=bind,src=/tmp,dst=/x,bind-recursive=readonly": /needs readonly/,
      "type=bind,src=/tmp,dst=/x,consistency=strong": /"consistency"/,
      "type=bind,src=/tmp,dst=/x,volume-nocopy": /"volume-nocopy" is not for type "bind"/,
      "type=tmpfs,dst=/x,bind-propagation=shared": /not for type "tmpfs"/,
      "type=tmpfs,src=/tmp,dst=/x": /no source/,
      "type=tmpfs,dst=/x,tmpfs-size=much": /"much" is no size/,
      "type=tmpfs,dst=/x,tmpfs-mode=9": /"9" is no octal/,
      "src=/tmp,dst=/x": /volume "\/tmp"/,
      "src=db,dst=/x,volume-driver=nfs": /driver "nfs"/,
    });
  });
});

describe("tmpfsRequest", () => {
  it("has Docker's defaults, and the last of options that contradict each other", () => {
    assert.deepEqual(optionsOf(tmpfsRequest("/run/:size=1m,exec,mode=0755")), [
      "exec",
      "nosuid",
      "nodev",
      "size=1m",
      "mode=0755",
    ]);
    assert.deepEqual(optionsOf(tmpfsRequest("/run:suid,nosuid,size=1,size=2")), [
      "noexec",
      "nosuid",
      "nodev",
      "size=2",
    ]);
  });

  it("refuses what the kernel would", () => {
    refuses(tmpfsRequest, {
      run: /no absolute path/,
      "/": /root file system/,
      "/x:colour": /"colour" is no option/,
      "/x:size=much": /"size=much" is no option/,
      "/x:mode=rwx": /"mode=rwx"/,
      "/x:uid=-1": /"uid=-1"/,
      "/x:,": /"" is no option/,
      "/x:noexec=1": /"noexec=1"/,
    });
  });
});

describe("flagMounts", () => {
  const flags = { volume: [], mount: [], tmpfs: [] };

  it("refuses two at one place, whatever flags they come from", () => {
    for (const twice of [
      { volume: ["/a:/x", "/b:/x/"] },
      { volume: ["/a:/x"], mount: ["dst=/y/../x"] },
      { mount: ["dst=/x"], tmpfs: ["/x:size=1m"] },
      { volume: ["/a:/x", "/a:/x"] },
    ]) {
      assert.throws(() => flagMounts({ ...flags, ...twice }), {
        code: "invalid_argument",
        message: /two mounts/,
      });
    }
  });

  it("lets a mount take the place of --shm-size", () => {
    const { requested, given } = flagMounts({ ...flags, volume: ["/a:/dev/shm"], shmSize: "1m" });
    assert.equal(requested.length, 1);
    assert.deepEqual(given, [sharedMemory("1m")]);
    refuses(sharedMemory, { "": /no size/, "-1": /no size/, "0": /no size/, lots: /no size/ });
  });
});
