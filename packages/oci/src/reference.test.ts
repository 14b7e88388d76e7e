import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import {
  canonicalName,
  familiarReference,
  newImageName,
  parseFamiliarReference,
  parseReference,
} from "./reference.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const isInvalid = (error: unknown): boolean => hasCode(error, "invalid_argument");

describe("canonicalName", () => {
  // Most of these are cases of normalize_test.go in github.com/distribution/reference.
  const names = {
    app: "docker.io/library/app:latest",
    "app:1": "docker.io/library/app:1",
    "library/app": "docker.io/library/app:latest",
    "docker.io/app": "docker.io/library/app:latest",
    "docker.io/library/app": "docker.io/library/app:latest",
    "index.docker.io/app:1": "docker.io/library/app:1",
    "index.docker.io/library/app": "docker.io/library/app:latest",
    "index.docker.io/team/app": "docker.io/team/app:latest",
    "registry-1.docker.io/library/app": "registry-1.docker.io/library/app:latest",
    "docker/docker": "docker.io/docker/docker:latest",
    "docker.io/1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a":
      "docker.io/library/1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a:latest",
    "127.0.0.1:8000/app": "127.0.0.1:8000/app:latest",
    "localhost/app": "localhost/app:latest",
    "localhost:5000/team/app:1": "localhost:5000/team/app:1",
    "HOST/app": "HOST/app:latest",
    "Foo/bar/baz": "Foo/bar/baz:latest",
    "host.example/app": "host.example/app:latest",
    "[::1]:5000/app": "[::1]:5000/app:latest",
    "a/b/c": "docker.io/a/b/c:latest",
    "a__b/c-d.e": "docker.io/a__b/c-d.e:latest",
    [`app@${digest}`]: `docker.io/library/app@${digest}`,
    [`app:1@${digest}`]: `docker.io/library/app@${digest}`,
    [`h:5000/app:1@${digest}`]: `h:5000/app@${digest}`,
  };
  for (const [text, name] of Object.entries(names)) {
    it(`reads ${text}`, () => {
      assert.equal(canonicalName(text), name);
      assert.equal(canonicalName(name), name);
      assert.equal(canonicalName(familiarReference(parseFamiliarReference(name))), name);
    });
  }

  for (const text of [
    "",
    "APP",
    "app/APP",
    "team/App:1",
    "app:",
    ":1",
    "a//b",
    "a/",
    "/a",
    "a___b",
    "-a",
    "_/a",
    "a:b:c",
    "app:a b",
    "http://h/app",
    "app@sha256:12",
    `app@${digest}0`,
    `app@md5:${"a".repeat(32)}`,
    `app@${digest}@${digest}`,
    "docker.io/",
    "index.docker.io/",
    "a".repeat(64),
    digest,
    "sha256:abc",
    `app:${"t".repeat(129)}`,
    "x".repeat(256),
    "host.example:port/app",
    "[fe80::1%eth0]:5000/app",
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.throws(() => canonicalName(text), isInvalid);
    });
  }

  it("says what is wrong, with the whole text", () => {
    assert.throws(() => canonicalName("app@sha256:12"), /Cannot parse reference "app@sha256:12": .*length/);
    assert.throws(() => canonicalName("team/App"), /"team\/App" is not in lower case/);
  });
});

describe("newImageName", () => {
  it("refuses a digest, which cannot be chosen", () => {
    assert.equal(newImageName("app:1"), "docker.io/library/app:1");
    assert.throws(() => newImageName(`app@${digest}`), isInvalid);
    assert.throws(() => newImageName(`app:1@${digest}`), isInvalid);
  });
});

describe("parseReference", () => {
  it("takes a name as it is, with its host", () => {
    assert.deepEqual(parseReference("index.docker.io/app:1"), {
      host: "index.docker.io",
      repository: "app",
      tag: "1",
    });
    assert.throws(() => parseReference("app"), isInvalid);
  });
});
