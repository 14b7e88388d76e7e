import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { urlToHttpOptions } from "node:url";
import { locationOf, overPlainHttp, withParameter } from "./location.ts";
import type { HttpAnswer } from "./response.ts";

const asked = new URL("https://a.example/v2/team/app/blobs/uploads/?mount=x");
const answerWith = (location?: string): HttpAnswer => ({
  headers: {},
  headersDistinct: location === undefined ? {} : { location: [location] },
  destroy: () => {},
  once: () => {},
  async *[Symbol.asyncIterator]() {},
});
const found = (location?: string): string | undefined => locationOf(answerWith(location), asked)?.toString();

describe("locationOf", () => {
  it("resolves against what answered", () => {
    assert.equal(found("u1?_state=a"), "https://a.example/v2/team/app/blobs/uploads/u1?_state=a");
    assert.equal(found("/v2/x/u1"), "https://a.example/v2/x/u1");
    assert.equal(found("//b.example:5000/u1"), "https://b.example:5000/u1");
    assert.equal(found("http://b.example/u1"), "http://b.example/u1");
    assert.equal(found("?_state=b"), "https://a.example/v2/team/app/blobs/uploads/?_state=b");
  });

  it("leaves percent-encoded bytes as they are, and encodes bytes that no address has", () => {
    const signed = "https://s3.example/a%2Fb/%7Ec?X-Amz-Signature=%2b%2B~%7E&x=a+b%20c&empty=&flag";
    assert.equal(found(signed), signed);
    assert.equal(found(Buffer.from("/é").toString("latin1")), "https://a.example/%c3%a9");
  });

  it("keeps each byte of a query, which may be signed", () => {
    // Azure's and others' signatures cover these letters as they were sent; URL would encode them.
    const search = "?sig=a'b\"c<d>e%27&rscd=attachment;filename='x.tar'";
    for (const base of ["https://s3.example/a", "/a", "", "a/b"]) {
      const url = locationOf(answerWith(base + search), asked);
      assert.ok(url instanceof URL);
      assert.equal(url.search, search);
      assert.equal(withParameter(url, "digest", "d").search, `${search}&digest=d`);
      assert.equal(overPlainHttp(url).search, search);
      assert.equal(overPlainHttp(url).protocol, "http:");
      assert.equal(urlToHttpOptions(url).path, `${url.pathname}${search}`);
    }
    const odd = locationOf(answerWith("/a?b=c d#e?f"), asked);
    assert.ok(odd instanceof URL);
    assert.equal(odd.search, "?b=c%20d");
    const same = locationOf(answerWith("#end"), asked);
    assert.ok(same instanceof URL);
    assert.equal(same.search, asked.search);
  });

  it("gives back as text what is no address of HTTP, and nothing for none", () => {
    assert.equal(typeof locationOf(answerWith("ftp://b.example/u"), asked), "string");
    assert.equal(typeof locationOf(answerWith("http://[::1"), asked), "string");
    assert.equal(typeof locationOf(answerWith("data:,x"), asked), "string");
    assert.equal(locationOf(answerWith(), asked), undefined);
    assert.equal(locationOf(answerWith("  "), asked), undefined);
  });
});

describe("withParameter", () => {
  it("adds to a query without writing it again", () => {
    const url = new URL("https://a.example/u?_state=a%2Bb%3D~c+d&x");
    const extended = withParameter(url, "digest", "sha256:ab");
    assert.equal(extended.href, "https://a.example/u?_state=a%2Bb%3D~c+d&x&digest=sha256%3Aab");
    assert.equal(withParameter(new URL("https://a.example/u"), "a b", "c&d").search, "?a%20b=c%26d");
  });
});
