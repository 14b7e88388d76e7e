import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeHeaders } from "./encode-headers.ts";
import { HeaderDecoder } from "./header-decoder.ts";
import { decodeHuffman } from "./huffman.ts";
import { ConnectionError } from "./protocol.ts";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ""), "hex");

describe("HeaderDecoder", () => {
  it("reads requests that refer to each other: RFC 7541, C.4", () => {
    const decoder = new HeaderDecoder(1000);
    const same = [
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "www.example.com"],
    ];
    assert.deepEqual(decoder.decode(bytes("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff")), same);
    const cached = [...same, ["cache-control", "no-cache"]];
    assert.deepEqual(decoder.decode(bytes("8286 84be 5886 a8eb 1064 9cbf")), cached);
    assert.deepEqual(decoder.decode(bytes("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf")), [
      [":method", "GET"],
      [":scheme", "https"],
      [":path", "/index.html"],
      [":authority", "www.example.com"],
      ["custom-key", "custom-value"],
    ]);
  });

  it("forgets the oldest when its table is full: RFC 7541, C.6", () => {
    const decoder = new HeaderDecoder(1000);
    const location = ["location", "https://www.example.com"];
    const date = ["date", "Mon, 21 Oct 2013 20:13:21 GMT"];
    const first = `3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
      2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`;
    assert.deepEqual(decoder.decode(bytes(first)), [
      [":status", "302"],
      ["cache-control", "private"],
      date,
      location,
    ]);
    assert.deepEqual(decoder.decode(bytes("4883 640e ffc1 c0bf")), [
      [":status", "307"],
      ["cache-control", "private"],
      date,
      location,
    ]);
    // The status of the first answer made room for the second's.
    assert.deepEqual(decoder.decode(bytes("c1")), [["cache-control", "private"]]);
    assert.throws(() => decoder.decode(bytes("c2")), ConnectionError);
  });

  it("reads what encodeHeaders writes, of any length", () => {
    const fields = { ":status": "200", "grpc-status": "13", "grpc-message": "x".repeat(70_000), date: "" };
    assert.deepEqual(new HeaderDecoder(100_000).decode(encodeHeaders(fields)), Object.entries(fields));
  });

  it("refuses what is cut off, unknown, too large, or not agreed on", () => {
    const wrong = [
      "41",
      "4185",
      "ff",
      "80",
      "ffffffffffffff7f",
      "823fe101",
      "3fe1ff0f",
      "0085ffffffffff00",
      "00810000",
    ];
    for (const hex of wrong) {
      assert.throws(() => new HeaderDecoder(1000).decode(bytes(hex)), ConnectionError, hex);
    }
    const long = encodeHeaders({ a: "x".repeat(1000) });
    assert.throws(() => new HeaderDecoder(1000).decode(long), /too long/);
    // A reference of one byte to what is long.
    const decoder = new HeaderDecoder(3000);
    const kept = Buffer.concat([bytes("4001617f 8907"), Buffer.alloc(1032, "x")]);
    assert.equal(decoder.decode(kept)[0]?.[1].length, 1032);
    assert.throws(() => decoder.decode(bytes("bebebebe")), /too long/);
  });
});

describe("decodeHuffman", () => {
  it("takes the rest of the last byte for the end, and nothing longer or else", () => {
    assert.equal(decodeHuffman(bytes("6402")), "302");
    assert.equal(decodeHuffman(bytes("")), "");
    assert.equal(decodeHuffman(bytes("6402ff")), undefined);
    assert.equal(decodeHuffman(bytes("04")), undefined);
    assert.equal(decodeHuffman(bytes("ffffffff")), undefined);
  });
});
