import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { assertReadsAnything } from "@slipway/oci/documents/testing/hostile-json";
import { dockerCredentials, writeDockerLogin } from "./docker-config.ts";
import { readDockerConfig } from "./docker-config-document.ts";

const host = "registry.example:5000";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("dockerCredentials", () => {
  const find = (entry: object): ReturnType<ReturnType<typeof readDockerConfig>["login"]> =>
    readDockerConfig("c.json", JSON.stringify({ auths: { [host]: entry } })).login(host);

  it("reads logins of every form", () => {
    const origin = "c.json";
    const password = { origin, kind: "password", username: "u", password: "p:w" };
    assert.deepEqual(find({ auth: base64("u:p:w") }), password);
    assert.deepEqual(find({ auth: base64("u:p:w\0\0") }), password);
    assert.deepEqual(find({ username: "u", password: "p:w" }), password);
    assert.deepEqual(find({ auth: base64("u:p"), identitytoken: "t" }), {
      origin,
      kind: "identity-token",
      token: "t",
    });
    assert.deepEqual(find({ registrytoken: "t" }), { origin, kind: "header", value: "Bearer t" });
    assert.equal(find({}), undefined);
    assert.equal(readDockerConfig("c.json", '{"auths":null,"credsStore":""}').login(host), undefined);
  });

  it("names the file and the field of what it cannot read, and reads the others", () => {
    const refused: [object, RegExp][] = [
      [
        { auth: "no base64!" },
        /^Cannot read c\.json: "auths\["registry\.example:5000"\]\.auth" is not base64$/,
      ],
      [{ auth: base64("nothing") }, /holds no name and password/],
      [{ auth: 5 }, /is 5, not text$/],
      [{ registrytoken: "a\nb" }, /has letters that no header can have$/],
    ];
    for (const [entry, message] of refused)
      assert.throws(() => find(entry), { code: "invalid_argument", message });
    const mixed = readDockerConfig(
      "c.json",
      JSON.stringify({ auths: { bad: 5, [host]: { username: "u", password: "p" } } }),
    );
    assert.ok(mixed.login(host));
    assert.equal(mixed.login("toString"), undefined);
  });

  it("ends in a login or a fault, whatever the file holds", () => {
    const documents = [
      { auths: { [host]: { auth: base64("u:p") } }, credsStore: "x", credHelpers: { other: "y" } },
      { auths: { [host]: { identitytoken: "t", email: "e" } }, HttpHeaders: { a: "b" } },
    ];
    assertReadsAnything("c.json", documents, (bytes) => {
      const config = readDockerConfig("c.json", bytes);
      config.withLogin(["other"], undefined);
      return config.login(host);
    });
  });
});

describe("writeDockerLogin", () => {
  let directory: string;
  let file: string;
  const login = { username: "u", password: "p" };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "slipway-docker-"));
    file = join(directory, "config.json");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("changes one login and leaves the rest as it is", async () => {
    const before = {
      auths: { other: { auth: "x", email: "e" }, [`https://${host}`]: { auth: "old" } },
      HttpHeaders: { a: "b" },
      plugins: { x: { y: [1, null] } },
    };
    writeFileSync(file, JSON.stringify(before), { mode: 0o644 });
    assert.deepEqual(await writeDockerLogin(host, login, directory), { file, changed: true, keeper: file });
    const { other } = before.auths;
    const auths = { other, [host]: { auth: base64("u:p") } };
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { ...before, auths });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(await dockerCredentials(directory).find(host), {
      ...login,
      kind: "password",
      origin: file,
    });
    assert.equal((await writeDockerLogin(host, undefined, directory)).changed, true);
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { ...before, auths: { other } });
    assert.deepEqual(readdirSync(directory), ["config.json"]);
  });

  it("changes nothing to remove a login that is not there", async () => {
    const unchanged = { file, changed: false, keeper: file };
    assert.deepEqual(await writeDockerLogin(host, undefined, directory), unchanged);
    assert.deepEqual(readdirSync(directory), []);
  });

  it("keeps each digit of the numbers of other tools", async () => {
    const number = "12345678901234567890";
    writeFileSync(file, `{"plugins": {"x": {"id": ${number}, "list": [-${number}, 1.5]}}}`);
    await writeDockerLogin(host, login, directory);
    const text = readFileSync(file, "utf8").replaceAll(/\s/g, "");
    assert.ok(text.includes(`"plugins":{"x":{"id":${number},"list":[-${number},1.5]}}`), text);
  });

  for (const key of ["credsStore", "credHelpers"]) {
    it(`has the helper of ${key} keep a login and forget it`, async () => {
      const store = join(directory, "store");
      const program = join(directory, "docker-credential-test");
      // It keeps one login, as it came, and has the words of docker's own for none.
      const script = `#!/bin/sh
case $1 in
store) cat >${store} ;;
get) cat ${store} 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) rm ${store} ;;
esac`;
      writeFileSync(program, script, { mode: 0o755 });
      const before = { [key]: key === "credsStore" ? "test" : { [host]: "test" } };
      writeFileSync(file, JSON.stringify({ ...before, auths: { [host]: { auth: base64("old:old") } } }));
      const path = process.env["PATH"];
      process.env["PATH"] = `${directory}:${path}`;
      try {
        const keeper = `credential helper "docker-credential-test" named in ${file}`;
        assert.deepEqual(await writeDockerLogin(host, login, directory), { file, changed: true, keeper });
        // No password is in the file any more.
        assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { ...before, auths: { [host]: {} } });
        assert.deepEqual(JSON.parse(readFileSync(store, "utf8")), {
          ServerURL: host,
          Username: "u",
          Secret: "p",
        });
        const found = await dockerCredentials(directory).find(host);
        assert.deepEqual(found, { ...login, kind: "password", origin: keeper });
        assert.equal((await writeDockerLogin(host, undefined, directory)).changed, true);
        assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { ...before, auths: {} });
        assert.equal((await writeDockerLogin(host, undefined, directory)).changed, false);

        writeFileSync(program, "#!/bin/sh\necho 'the keychain is locked' >&2; exit 3\n");
        await assert.rejects(writeDockerLogin(host, login, directory), {
          code: "unauthenticated",
          message: `Cannot store the login of ${host}: credential helper "docker-credential-test" ended with 3: the keychain is locked`,
        });
        rmSync(program);
        await assert.rejects(writeDockerLogin(host, login, directory), {
          message: /^Cannot run credential helper "docker-credential-test": .*ENOENT/,
        });
        assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { ...before, auths: {} });
      } finally {
        process.env["PATH"] = path;
      }
    });
  }

  it("writes through a link, also one to nothing yet", async () => {
    mkdirSync(join(directory, "dotfiles"));
    symlinkSync("dotfiles/docker.json", file);
    await writeDockerLogin(host, login, directory);
    await writeDockerLogin("second.example", login, directory);
    const { auths } = JSON.parse(readFileSync(join(directory, "dotfiles/docker.json"), "utf8")) as {
      auths: object;
    };
    assert.deepEqual(Object.keys(auths), [host, "second.example"]);
    assert.ok((await dockerCredentials(directory).find(host))?.kind === "password");
  });

  it("leaves a damaged file alone, and says what is wrong", async () => {
    for (const [text, why] of [
      ['{"auths":{', /it is not JSON: it ends too early$/],
      ["[]", /it is a list, not an object$/],
      ['{"auths":[]}', /"auths" is a list, not an object$/],
    ] as const) {
      writeFileSync(file, text);
      await assert.rejects(writeDockerLogin(host, login, directory), {
        code: "invalid_argument",
        message: why,
      });
      assert.equal(readFileSync(file, "utf8"), text);
    }
    assert.deepEqual(readdirSync(directory), ["config.json"]);
  });

  it("says what is wrong with a directory in the file's place, and a place that cannot be written", async () => {
    mkdirSync(file);
    await assert.rejects(writeDockerLogin(host, login, directory), {
      code: "failed_precondition",
      message: new RegExp(`^Cannot read ${file}: .*directory`),
    });
    rmSync(file, { recursive: true });
    writeFileSync(file, "{}");
    const below = join(file, "below");
    await assert.rejects(writeDockerLogin(host, login, below), { message: /^Cannot (?:read|write) .*below/ });
  });
});
