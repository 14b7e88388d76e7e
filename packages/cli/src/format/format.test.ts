import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatListing } from "./listing.ts";
import { formatMemory, formatSize, parseSize } from "./size.ts";
import type { Column } from "./table.ts";
import { formatAge, formatDuration } from "./time.ts";

describe("formatSize", () => {
  for (const [bytes, text] of [
    [0, "0B"],
    [999, "999B"],
    [4_261_550, "4.26MB"],
    [1_000_000_000, "1GB"],
  ] as const) {
    it(`prints ${bytes} as ${text}`, () => assert.equal(formatSize(bytes), text));
  }
});

describe("formatMemory", () => {
  for (const [bytes, text] of [
    [0, "0B"],
    [499_712, "488KiB"],
    [25_275_785_216, "23.54GiB"],
  ] as const) {
    it(`prints ${bytes} as ${text}`, () => assert.equal(formatMemory(bytes), text));
  }
});

describe("parseSize", () => {
  it("reads powers of 1,024", () => {
    assert.equal(parseSize("512m"), 512 * 1024 * 1024);
    assert.equal(parseSize("1.5GiB"), 1.5 * 1024 ** 3);
    assert.equal(parseSize("7"), 7);
  });
  it("gives nothing for other text", () => assert.equal(parseSize("lots"), undefined));
});

describe("formatDuration", () => {
  for (const [ms, text] of [
    [10, "Less than a second"],
    [1500, "1 second"],
    [59_000, "59 seconds"],
    [61_000, "About a minute"],
    [3_600_000, "About an hour"],
    [86_400_000 * 3, "3 days"],
  ] as const) {
    it(`says "${text}"`, () => assert.equal(formatDuration(ms), text));
  }
});

describe("formatAge", () => {
  it("says N/A for Go's zero time, and nothing negative for a time to come", () => {
    assert.equal(formatAge(new Date("0001-01-01T00:00:00Z")), "N/A");
    assert.equal(
      formatAge(new Date("1970-01-01T00:00:00Z"), new Date("1970-01-01T00:00:03Z")),
      "3 seconds ago",
    );
    assert.equal(formatAge(new Date("9999-12-31T23:59:59Z")), "Less than a second ago");
  });
});

describe("formatListing", () => {
  const columns: Column<{ name: string; size: number }>[] = [
    { heading: "NAME", field: "Name", text: (row) => row.name },
    { heading: "SIZE", field: "Size", text: (row) => formatSize(row.size) },
  ];
  const rows = [
    { name: "a", size: 1 },
    { name: "longer", size: 2000 },
  ];
  it("prints a table", () => {
    assert.equal(
      formatListing(columns, ["Name", "Size"], rows, undefined),
      "NAME     SIZE\na        1B\nlonger   2kB\n",
    );
  });
  it("prints JSON lines, templates and tables of templates", () => {
    assert.equal(formatListing(columns, [], rows.slice(0, 1), "json"), '{"Name":"a","Size":"1B"}\n');
    assert.equal(formatListing(columns, [], rows, "{{.Size}}"), "1B\n2kB\n");
    assert.equal(
      formatListing(columns, [], rows.slice(0, 1), String.raw`table {{.Size}}\t{{.Name}}`),
      "SIZE   NAME\n1B     a\n",
    );
  });
});
