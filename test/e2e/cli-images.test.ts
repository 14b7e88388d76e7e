import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect } from "@slipway/client/connect";
import { binFolder, programs, TestDaemon } from "../support/daemon.ts";
import { TestFolder } from "../support/folder.ts";
import { pushBusybox } from "../support/images.ts";
import { TestRegistry } from "../support/registry.ts";
import { output, type Result, run } from "../support/run.ts";

for (const program of programs) {
  describe(`slipway's image commands with ${program}`, () => {
    let daemon: TestDaemon;
    let registry: TestRegistry;
    let image: string;

    before(async () => {
      [daemon, registry] = await Promise.all([TestDaemon.start(program), TestRegistry.start()]);
      image = await pushBusybox(registry.host);
      await printed("pull", "-q", image);
    });
    after(async () => {
      await daemon[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });

    const slipway = (...args: readonly string[]): Promise<Result> => daemon.slipway(args);

    const printed = (...args: readonly string[]): Promise<string> => daemon.printed(...args);

    const ctr = (...args: readonly string[]): Promise<string> =>
      output("ctr", ["-a", daemon.address, ...args]);
    const skopeo = (...args: readonly string[]): Promise<string> => output("skopeo", args);
    const digestOf = (name: string): Promise<string> => printed("images", "--no-trunc", "-q", name);

    it("saves what skopeo and ctr read, and reads it again", async () => {
      const file = daemon.folder.join("saved.tar");
      const digest = await digestOf(image);
      await printed("save", "-o", file, image);
      const docker = JSON.parse(await skopeo("inspect", `docker-archive:${file}`)) as { Layers: string[] };
      const oci = JSON.parse(await skopeo("inspect", `oci-archive:${file}`)) as { Digest: string };
      assert.deepEqual([docker.Layers.length, oci.Digest], [2, digest.trim()]);
      await printed("rmi", image);
      assert.match(await ctr("images", "import", file), /busybox:latest/);
      assert.equal(await digestOf(image), digest);
      await printed("rmi", image);
      assert.equal(await printed("load", "-i", file), `Loaded image: ${image}\n`);
      assert.equal(await digestOf(image), digest);
      assert.equal(await printed("run", "--rm", "--pull", "never", image, "echo", "on"), "on\n");
    });

    it("reads what ctr exports, and docker archives", async () => {
      const exported = daemon.folder.join("exported.tar");
      const digest = await digestOf(image);
      await ctr("images", "export", exported, image);
      const docker = daemon.folder.join("docker.tar");
      await skopeo(
        "copy",
        "--insecure-policy",
        "--src-tls-verify=false",
        `docker://${image}`,
        `docker-archive:${docker}:example.org/saved:v1`,
      );
      await output("gzip", [docker]);
      await printed("rmi", image);
      assert.equal(await printed("load", "-i", exported), `Loaded image: ${image}\n`);
      assert.equal(await digestOf(image), digest);
      assert.equal(await printed("load", "-q", "-i", `${docker}.gz`), "example.org/saved:v1\n");
      assert.equal(
        await printed("run", "--rm", "--pull", "never", "example.org/saved:v1", "id", "-u"),
        "0\n",
      );
      const refused = await slipway("load", "-i", "/etc/passwd");
      assert.deepEqual(
        [refused.code, refused.stderr.startsWith("slipway: Cannot")],
        [1, true],
        refused.stderr,
      );
    });

    it("saves the platforms of an index that are here, and says which are not", async () => {
      const index = `${registry.host}/several:latest`;
      await output("sh", ["-c", indexScript, "sh", registry.host, daemon.folder.join("index.json")]);
      await printed("pull", "-q", index);
      const file = daemon.folder.join("several.tar");
      const said = await slipway("save", "-o", file, index);
      assert.deepEqual(
        [said.code, said.stderr],
        [0, `${index}: linux/riscv64 is not here and is left out\n`],
      );
      await skopeo("inspect", `docker-archive:${file}`);
      await printed("rmi", index);
      await printed("load", "-q", "-i", file);
      assert.equal(await printed("run", "--rm", "--pull", "never", index, "true"), "");
    });

    it("pushes the platforms of an index that are here, those that are named, or all", async () => {
      const index = `${registry.host}/several:latest`;
      const raw = (name: string): Promise<string> =>
        skopeo("inspect", "--raw", "--tls-verify=false", `docker://${name}`);
      const whole = await raw(index);
      await printed("rmi", index);
      await printed("pull", "-q", index);
      const copy = `${registry.host}/copies:here`;
      await printed("tag", index, copy);
      const said = await slipway("push", "-q", copy);
      assert.equal(said.stderr, `${copy}: linux/riscv64 is not here and is left out\n`);
      const [here, there] = (JSON.parse(whole) as Listed).manifests;
      assert.equal(said.stdout, `${here?.digest}\n`);
      assert.equal((JSON.parse(await raw(copy)) as Partial<Listed>).manifests, undefined);
      const missing = await slipway("push", "-q", "--all-platforms", copy);
      assert.deepEqual([missing.code, /not found/.test(missing.stderr)], [1, true], missing.stderr);
      const wrong = await slipway("push", "-q", "--platform", "linux/s390x", copy);
      assert.match(wrong.stderr, /no match for platform in manifest: linux\/s390x/);

      await printed("pull", "-q", "--all-platforms", index);
      const inspect = ["image", "inspect", "--mode", "native", "-f", "{{.ManifestDesc.digest}}"];
      assert.equal(await printed(...inspect, index), `${here?.digest}\n`);
      assert.equal(await printed(...inspect, "--platform", "linux/riscv64", index), `${there?.digest}\n`);
      for (const tag of ["all", "more"]) await printed("tag", index, `${registry.host}/copies:${tag}`);
      await printed("rmi", copy);
      await printed("push", "-q", "--all-tags", `${registry.host}/copies`);
      for (const tag of ["all", "more"]) assert.equal(await raw(`${registry.host}/copies:${tag}`), whole);
      const one = `${registry.host}/copies:one`;
      await printed("tag", index, one);
      await printed("push", "-q", "--platform", "linux/riscv64", one);
      assert.notEqual(await raw(one), whole);
      for (const tag of ["all", "more", "one"]) await printed("rmi", `${registry.host}/copies:${tag}`);
      await printed("rmi", index);
    });

    it("reads an archive whose index names platforms that it does not have", async () => {
      const index = `${registry.host}/several:latest`;
      const file = daemon.folder.join("partial.tar");
      await printed("pull", "-q", index);
      await ctr("images", "export", file, index);
      const digest = await digestOf(index);
      await printed("rmi", index);
      const said = await slipway("load", "-q", "-i", file);
      assert.deepEqual([said.code, said.stdout], [0, `${index}\n`], said.stderr);
      if (program === "slipwayd") assert.equal(said.stderr, "linux/riscv64 is not in the archive\n");
      assert.equal(await digestOf(index), digest);
      assert.equal(await printed("run", "--rm", "--pull", "never", index, "true"), "");
    });

    it("finds images by labels, and prunes those that are old", async () => {
      const names = (...filters: string[]): Promise<string> =>
        printed("images", "--format", "{{.Repository}}:{{.Tag}}", ...filters.flatMap((one) => ["-f", one]));
      await ctr("images", "label", image, "keep=yes");
      assert.equal(await names("label=keep=yes"), `${image}\n`);
      assert.equal(await names("dangling=true"), "");
      assert.match(await names("dangling=false"), /busybox:latest/);
      assert.equal(await printed("image", "prune", "-a", "-f", "--filter", "until=1h"), "");
      assert.equal(await printed("image", "prune", "-a", "-f", "--filter", "label=drop"), "");
      assert.match((await slipway("image", "prune", "-f", "--filter", "a=b")).stderr, /key is not known/);
    });

    it("converts layers and media types, and skopeo reads what came of it", async () => {
      const made = (form: string): string => `${registry.host}/converted:${form}`;
      const inspected = async (form: string): Promise<Converted> => {
        await printed("push", "-q", made(form));
        const raw = await skopeo("inspect", "--raw", "--tls-verify=false", `docker://${made(form)}`);
        return JSON.parse(raw) as Converted;
      };
      await skopeo(
        "copy",
        "--insecure-policy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "-f",
        "v2s2",
        `docker://${image}`,
        `docker://${made("docker")}`,
      );
      await printed("pull", "-q", made("docker"));
      for (const [form, flags, suffix] of [
        ["oci", ["--oci"], "oci.image.layer.v1.tar+gzip"],
        ["zstd", ["--zstd"], "oci.image.layer.v1.tar+zstd"],
        ["plain", ["--uncompress"], "docker.image.rootfs.diff.tar"],
      ] as const) {
        await printed("image", "convert", ...flags, made("docker"), made(form));
        const { layers } = await inspected(form);
        assert.deepEqual(
          layers.map(({ mediaType }) => mediaType),
          [suffix, suffix].map((one) => `application/vnd.${one}`),
        );
        // And back again.
        await printed("image", "convert", "--gzip", made(form), made("back"));
        assert.equal(await printed("image", "verify", made("back")), `${made("back")}: ok\n`);
        await printed("rmi", made(form));
        assert.equal(await printed("run", "--rm", "-q", made(form), "echo", form), `${form}\n`);
      }
    });

    it("shows how an image was made", async () => {
      const steps = (await printed("history", "--format", "{{.Snapshot}}", "--no-trunc", image))
        .trim()
        .split("\n");
      assert.equal(steps.filter((step) => step.startsWith("sha256:")).length, 2);
    });

    it("shows what a container has changed, and makes an image of it", async () => {
      const script = "echo new > /new; echo more >> /etc/passwd; rm /etc/group; sleep 100";
      await printed("run", "-d", "--network", "none", "--name", "changed", image, "sh", "-c", script);
      // The script's last word is sleep: when that runs, the files are there.
      while (!(await printed("top", "changed")).includes("sleep 100\n")) continue;
      const changes = (await printed("diff", "changed")).trim().split("\n").toSorted();
      assert.deepEqual(changes, ["A /new", "C /etc", "C /etc/passwd", "D /etc/group"]);
      const made = `${registry.host}/made:v1`;
      const change = 'CMD ["cat", "/new"]';
      assert.match(await printed("commit", "-m", "a word", "-c", change, "changed", made), /^sha256:/);
      assert.equal(await printed("run", "--rm", made), "new\n");
      assert.match(await printed("history", "--format", "{{.Comment}}", made), /^a word\n/);
      await printed("push", "-q", made);
      await printed("rm", "-f", "changed");
      await printed("rmi", made);
    });

    it("loses nothing to collections that come meanwhile", async () => {
      await using client = connect({ address: daemon.address, namespace: "default" });
      const collecting = new AbortController();
      const collections = (async () => {
        while (!collecting.signal.aborted) {
          const { id } = await client.leases.create({});
          await client.leases.delete(id, { sync: true });
        }
      })();
      try {
        const made = `${registry.host}/held:v1`;
        await printed("run", "--network", "none", "--name", "held", image, "touch", "/new");
        for (let round = 0; round < 3; round++) {
          assert.equal(await printed("diff", "held"), "A /new\n");
          await printed("commit", "held", made);
          assert.equal(await printed("run", "--rm", "--pull", "never", made, "ls", "/new"), "/new\n");
          await printed("rmi", made);
        }
      } finally {
        collecting.abort();
        await collections;
        await printed("rm", "-f", "held");
      }
    });

    it("changes what a running container may use, and one that is started later", async () => {
      await printed("run", "-d", "--name", "grows", "--memory", "64m", image, "sleep", "100");
      await printed("update", "--memory", "128m", "--memory-swap", "128m", "--pids-limit", "33", "grows");
      const format = "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}";
      assert.equal(await printed("inspect", "-f", format, "grows"), `${128 * 1024 ** 2} 33\n`);
      assert.match(
        await printed("stats", "--no-stream", "--format", "{{.MemUsage}}", "grows"),
        /134MB|128MiB/,
      );
      await printed("rm", "-f", "grows");
    });

    it("renames containers, and prunes those that have ended", async () => {
      await printed("run", "--name", "before", image, "true");
      await printed("rename", "before", "later");
      assert.equal(await printed("ps", "-a", "--format", "{{.Names}}"), "later\n");
      assert.match(await printed("container", "prune", "-f"), /^Deleted Containers:\n[0-9a-f]{64}\n$/);
      assert.equal(await printed("ps", "-aq"), "");
    });

    it("prunes images that no container uses", async () => {
      await printed("create", "--name", "user", image);
      assert.match(await printed("image", "prune", "-a", "-f"), /^Deleted Images:\n/);
      assert.equal(await printed("images", "--format", "{{.Repository}}:{{.Tag}}"), `${image}\n`);
      await printed("rm", "user");
    });

    it("lists, creates and removes namespaces", async () => {
      await printed("namespace", "create", "-l", "a=b", "other");
      assert.match(await printed("namespace", "ls"), /\nother +0 +0 +a=b\n/);
      assert.equal(await printed("namespace", "remove", "other"), "other\n");
      assert.doesNotMatch(await printed("namespace", "ls", "-q"), /other/);
    });

    it("compares blobs with their digests, and counts what there is", async () => {
      assert.equal(await printed("image", "verify", image), `${image}: ok\n`);
      assert.match(await printed("system", "df"), /^TYPE +TOTAL +ACTIVE +SIZE\nImages +\d/);
      const [layer] = await damage();
      const said = await slipway("image", "verify", image);
      assert.equal(said.code, 1);
      assert.match(
        said.stdout,
        new RegExp(`^${image}: damaged\n  blob ${layer}: its bytes have the digest sha256:`),
      );
    });

    /** Changes a byte of the image's last layer. @returns its digest, and what makes it good again */
    async function damage(): Promise<[string]> {
      const [native] = JSON.parse(await printed("image", "inspect", "--mode", "native", image)) as {
        Manifest: { layers: { digest: string }[] };
      }[];
      const digest = native?.Manifest.layers.at(-1)?.digest ?? "";
      const path = join(daemon.root, "io.containerd.content.v1.content/blobs/sha256", digest.slice(7));
      const bytes = readFileSync(path);
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      chmodSync(path, 0o644);
      writeFileSync(path, bytes);
      return [digest];
    }
  });
}

describe("slipway login", () => {
  it("keeps a login that the registry takes, where docker does, and forgets it", async () => {
    using folder = new TestFolder("login");
    writeFileSync(folder.join("htpasswd"), await output("htpasswd", ["-Bbn", "bob", "secret"]));
    const top = `auth:\n  htpasswd: {realm: test, path: ${folder.join("htpasswd")}}`;
    await using registry = await TestRegistry.start({ top });
    const env = { DOCKER_CONFIG: folder.path };
    const slipway = (args: readonly string[], input = ""): Promise<Result> =>
      run(join(binFolder, "slipway"), args, { env, input });
    const login = ["login", "-u", "bob", "--password-stdin", registry.host];
    const refused = await slipway(login, "wrong\n");
    assert.deepEqual([refused.code, existsSync(folder.join("config.json"))], [1, false], refused.stderr);
    const said = await slipway(login, "secret\n");
    assert.deepEqual([said.code, said.stdout], [0, "Login Succeeded\n"], said.stderr);
    const config = JSON.parse(readFileSync(folder.join("config.json"), "utf8")) as object;
    const auth = Buffer.from("bob:secret").toString("base64");
    assert.deepEqual(config, { auths: { [registry.host]: { auth } } });
    const logout = await slipway(["logout", registry.host]);
    assert.equal(logout.stdout, `Removing login credentials for ${registry.host}\n`);
    assert.doesNotMatch(readFileSync(folder.join("config.json"), "utf8"), /127/);
    const again = await slipway(["logout", registry.host]);
    assert.deepEqual([again.code, again.stdout], [0, `Not logged in to ${registry.host}\n`]);
  });

  it("says what it needs where there is nobody to ask", async () => {
    using folder = new TestFolder("login");
    const [host, env] = ["registry.example", { DOCKER_CONFIG: folder.path }];
    for (const [flags, input, why] of [
      [[], "", "there is no terminal to ask for name and password"],
      [["-u", "bob"], "", "there is no terminal to ask for name and password"],
      [["-p", "x"], "bob\n", "there is no terminal to ask for name and password"],
      [["--password-stdin"], "x", "--password-stdin needs --username"],
      [
        ["-u", "bob", "-p", "x", "--password-stdin"],
        "x",
        "--password and --password-stdin exclude each other",
      ],
      [["-u", "bob", "--password-stdin"], "\n", "the password is empty"],
      [["-u", "bob", "-p", ""], "", "the password is empty"],
      [["-u", "", "-p", "x"], "", "the name is empty"],
      [["-u", "a:b", "-p", "x"], "", 'the name "a:b" has a colon'],
    ] as const) {
      const { code, stderr } = await run(join(binFolder, "slipway"), ["login", ...flags, host], {
        env,
        input,
      });
      assert.ok(
        code === 1 && stderr.includes(`Cannot log in to "${host}": ${why}`),
        `${flags.join(" ")}: ${stderr}`,
      );
    }
    assert.equal(existsSync(folder.join("config.json")), false);
  });
});

interface Listed {
  readonly manifests: readonly { readonly digest: string }[];
}

interface Converted {
  readonly layers: readonly { readonly mediaType: string }[];
}

/** Puts an index with this machine's manifest and one of a platform that is not there. */
const indexScript = `
  set -e
  url=http://$1/v2
  curl -fsS -o "$2.manifest" -H 'Accept: application/vnd.oci.image.manifest.v1+json' "$url/busybox/manifests/latest"
  size=$(stat -c %s "$2.manifest") digest=sha256:$(sha256sum "$2.manifest" | cut -d' ' -f1)
  media=application/vnd.oci.image.manifest.v1+json
  case $(uname -m) in x86_64) arch=amd64 ;; *) arch=arm64 ;; esac
  skopeo copy -q --insecure-policy --src-tls-verify=false --dest-tls-verify=false "docker://$1/busybox" "docker://$1/several:one"
  sed "s/\\"schemaVersion\\":2/\\"schemaVersion\\": 2/" "$2.manifest" > "$2.other"
  osize=$(stat -c %s "$2.other") odigest=sha256:$(sha256sum "$2.other" | cut -d' ' -f1)
  curl -fsS -X PUT -H "Content-Type: $media" --data-binary "@$2.other" "$url/several/manifests/$odigest"
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"%s","digest":"%s","size":%s,"platform":{"os":"linux","architecture":"%s"}},{"mediaType":"%s","digest":"%s","size":%s,"platform":{"os":"linux","architecture":"riscv64"}}]}' \\
    $media $digest $size $arch $media $odigest $osize > "$2"
  curl -fsS -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary "@$2" "$url/several/manifests/latest"
`;
