import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { familiar, splitName } from "./familiar.ts";
import { matchesName } from "./matches-name.ts";

const digest = `sha256:${"ab".repeat(32)}`;

describe("matchesName", () => {
  const app = "docker.io/library/app:1";
  const forms = ["app", "library/app", "docker.io/app", "docker.io/library/app", "index.docker.io/app"];

  for (const form of forms) {
    it(`finds an image of the Hub by ${form}`, () => {
      assert.ok(matchesName(app, form));
      assert.ok(matchesName(app, `${form}:1`));
      assert.ok(!matchesName(app, `${form}:2`));
      assert.ok(!matchesName(app, `${form}:latest`));
      assert.ok(matchesName(`docker.io/library/app@${digest}`, form));
    });
  }

  it("does not find other repositories", () => {
    for (const form of ["ap", "team/app", "app/app", "docker.io/library/ap", "localhost/app", ""]) {
      assert.ok(!matchesName(app, form), form);
    }
  });

  it("takes patterns over the short form, in which a star stays within a part", () => {
    assert.ok(matchesName(app, "a*"));
    assert.ok(matchesName(app, "a?p:*"));
    assert.ok(matchesName(app, "[a-c]pp"));
    assert.ok(matchesName("h:5000/team/app:1", "h:5000/*/app"));
    assert.ok(!matchesName("h:5000/team/app:1", "*/app"));
    assert.ok(!matchesName(app, "a.p"));
    assert.ok(!matchesName(app, "[z-a]pp"));
  });

  it("finds what another client stored under an odd name", () => {
    assert.ok(matchesName("odd name", "odd name"));
    assert.ok(matchesName("app", "app"));
    assert.ok(matchesName("docker.io/app:1", "docker.io/app"));
  });
});

describe("familiar", () => {
  it("shortens only what the short form leads back to", () => {
    assert.equal(familiar("docker.io/library/app:1"), "app:1");
    assert.equal(familiar("docker.io/team/app:1"), "team/app:1");
    for (const name of ["docker.io/app:1", "index.docker.io/library/app:1", "app", "odd name"]) {
      assert.equal(familiar(name), name);
    }
  });
});

describe("splitName", () => {
  it("gives the repository and the tag that a list shows", () => {
    assert.deepEqual(splitName("docker.io/library/app:1"), { repository: "app", tag: "1" });
    assert.deepEqual(splitName(`h:5000/app@${digest}`), { repository: "h:5000/app", tag: "<none>" });
    assert.deepEqual(splitName("docker.io/app:1"), { repository: "docker.io/app", tag: "1" });
    assert.deepEqual(splitName("odd name"), { repository: "odd name", tag: "<none>" });
  });
});
