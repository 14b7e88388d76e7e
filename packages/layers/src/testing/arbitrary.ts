import * as fc from "fast-check";
import { type DialectMember, dialects } from "./dialects.ts";

/* Archives that a property test makes up. */

const acl = Buffer.from(
  "02000000010006000000000002000700010000000400040000000000100007000000000020000400ffffffff",
  "hex",
);
acl.writeInt32LE(-1, 8);
const xattrs = fc.constantFrom(
  new Map<string, Uint8Array>(),
  new Map([["user.same", Buffer.from("a value that several files have, to be written once")]]),
  new Map([["user.other", Buffer.alloc(700, 1)]]),
  new Map([["security.capability", Buffer.from("0100000200200000000000000000000000000000", "hex")]]),
  new Map([["trusted.overlay.redirect", Buffer.from("/")]]),
  new Map([["system.posix_acl_access", acl]]),
);
const holes = fc.array(
  fc.record({
    hole: fc.constantFrom(0, 1, 511, 512, 4096, 70_000),
    length: fc.constantFrom(0, 1, 512, 700, 4096),
  }),
  { maxLength: 30 },
);

export interface MemberOptions {
  readonly types: readonly DialectMember["type"][];
  readonly name: fc.Arbitrary<string>;
  readonly linkName: fc.Arbitrary<string>;
  /** Whether character devices may be 0:0, which is an overlay's mark. */
  readonly marks?: boolean;
}

/** A member of any dialect. */
export function memberOf({
  types,
  name,
  linkName,
  marks = true,
}: MemberOptions): fc.Arbitrary<DialectMember> {
  const member = fc.record({
    dialect: fc.constantFrom("pax" as const, "pax" as const, ...dialects),
    type: fc.constantFrom(...types),
    name,
    linkName,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.constantFrom(0, 1000, 2 ** 32 - 2),
    gid: fc.constantFrom(0, 70_000),
    modifiedNs: fc
      .integer({ min: -5, max: 2 ** 31 })
      .map((seconds) => BigInt(seconds % 1_700_000_000) * 1_000_000_000n),
    deviceMajor: fc.constantFrom(...(marks ? [0, 1, 4095] : [1, 4095])),
    deviceMinor: fc.constantFrom(0, 300, 0xf_ffff),
    xattrs,
    data: fc.constantFrom("", "x", "y".repeat(512), "z".repeat(5000)),
    holes,
  });
  return member.map(({ linkName: target, ...rest }) => {
    const isLink = rest.type === "link" || rest.type === "symlink";
    return { ...rest, linkName: isLink ? target : "" };
  });
}
