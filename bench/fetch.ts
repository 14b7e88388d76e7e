/*
 * A big blob from a registry that gives each connection so many bytes a second: over as many connections as are worth it,
 * beside one connection. The last line is a registry that is as fast as the loopback.
 * Usage: node bench/fetch.ts [MiB] [rounds].
 */
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { digestOf } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { parseReference } from "@slipway/oci/reference";
import { Repository } from "@slipway/registry/registry";
import { SlowRegistry } from "../test/support/slow-registry.ts";
import { median } from "./support/figures.ts";

const mebibyte = 1024 * 1024;
const mebibytes = Number(process.argv[2] ?? 96);
const rounds = Number(process.argv[3] ?? 3);
const blob = randomFillSync(Buffer.alloc(mebibytes * mebibyte));
const target = { mediaType: mediaTypes.ociLayer, digest: digestOf(blob), size: blob.length };
const credentials = { origin: "nowhere", find: async () => undefined };

async function ours({ host }: SlowRegistry): Promise<void> {
  const repository = new Repository(parseReference(`${host}/team/app`), { credentials });
  let received = 0;
  for await (const chunk of repository.fetch(target)) received += chunk.length;
  if (received !== blob.length) throw new Error(`${received} bytes`);
}

/** What every client does that has one connection: bytes are hashed as they come. */
async function one({ host }: SlowRegistry): Promise<void> {
  const request = get(`http://${host}/v2/team/app/blobs/${target.digest}`);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const hash = createHash("sha256");
  for await (const chunk of response as AsyncIterable<Buffer>) hash.update(chunk);
  if (`sha256:${hash.digest("hex")}` !== target.digest) throw new Error("other bytes");
}

async function speed(way: (registry: SlowRegistry) => Promise<void>, bytesPerSecond: number) {
  await using registry = await SlowRegistry.start(blob, { bytesPerSecond });
  const begun = performance.now();
  await way(registry);
  return { rate: mebibytes / ((performance.now() - begun) / 1000), most: registry.mostAtOnce };
}

for (const rate of [5, 10, 20, 40, Infinity]) {
  const figures = { ours: [] as number[], one: [] as number[] };
  let most = 0;
  for (let round = 0; round < rounds; round += 1) {
    const several = await speed(ours, rate * mebibyte);
    most = Math.max(most, several.most);
    figures.ours.push(several.rate);
    figures.one.push((await speed(one, rate * mebibyte)).rate);
  }
  const [own, single] = [median(figures.ours), median(figures.one)];
  const each = rate === Infinity ? "without a limit" : `at ${rate} MiB/s a connection`;
  console.log(
    `${mebibytes} MiB ${each}: ${own.toFixed(1)} MiB/s over up to ${most}, one connection ${single.toFixed(1)}: ${(own / single).toFixed(2)} times`,
  );
}
