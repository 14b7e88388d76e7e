// How fast a layer of this machine's files is inflated: by zlib, and by ISA-L where it is installed. In turns, in one process.
// Usage: node bench/inflate.ts [MEBIBYTES] [ROUNDS]
import { spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import type { Inflater } from "@slipway/linux/inflate/inflater";
import { gunzipWithIsaL } from "@slipway/linux/inflate/isa-l";
import { gunzipWithZlib } from "@slipway/linux/inflate/zlib";
import { median } from "./support/figures.ts";

const bytes = Number(process.argv[2] ?? 96) * 2 ** 20;
const rounds = Number(process.argv[3] ?? 7);
// As large as the pieces that a pull is unpacked in.
const pieceBytes = 1 << 18;

const { stdout: layer } = spawnSync("sh", ["-c", `tar -cf - /usr 2>/dev/null | head -c ${bytes}`], {
  maxBuffer: 2 * bytes,
});
const blob = gzipSync(layer);

/** Seconds of CPU. */
function inflated(inflater: Inflater): number {
  const before = process.cpuUsage();
  using stream = inflater;
  let found = 0;
  for (let at = 0; at < blob.length; at += pieceBytes)
    for (const piece of stream.inflate(blob.subarray(at, at + pieceBytes))) found += piece.length;
  if (found !== layer.length || !stream.isComplete) throw new Error(`${found} bytes of ${layer.length}`);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const seconds: { zlib: number[]; isaL: number[] } = { zlib: [], isaL: [] };
for (let round = 0; round <= rounds; round += 1) {
  const zlib = inflated(gunzipWithZlib());
  const isaL = gunzipWithIsaL();
  if (round === 0) continue;
  seconds.zlib.push(zlib);
  if (isaL) seconds.isaL.push(inflated(isaL));
}
const speed = (of: readonly number[]): string => `${(layer.length / 1e6 / median(of)).toFixed(0)} MB/s`;
console.log(`zlib: ${speed(seconds.zlib)}`);
if (seconds.isaL.length === 0) console.log("ISA-L: not installed");
else
  console.log(
    `ISA-L: ${speed(seconds.isaL)}, ${(median(seconds.isaL) / median(seconds.zlib)).toFixed(2)} of zlib's time`,
  );
