import { readFileSync } from "node:fs";
import { makeTar, type Member } from "@slipway/layers/testing/archive";

/** The tar of a layer: files of 20 bytes to 60 kB, 8 kB on average, cut from a program. */
export function sampleLayer(files: number): Buffer {
  const source = readFileSync(process.execPath).subarray(0, 60 * 2 ** 20);
  let seed = 1;
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  const members = Array.from({ length: files }, (_, index): Member => {
    const length = Math.floor(Math.exp(3 + 8 * random()));
    const start = Math.floor(random() * (source.length - length));
    const name = `d${index % 250}/e${index % 2_500}/file-${index}`;
    return { type: "file", name, data: source.subarray(start, start + length) };
  });
  return makeTar(members);
}
