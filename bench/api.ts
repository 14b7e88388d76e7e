/*
 * Small calls and long lists over one connection, slipwayd beside Debian's containerd, asked by our client.
 * Usage: node bench/api.ts [rounds]. Needs root.
 */
import { Containers } from "@slipway/api/containerd/services/containers/v1/containers_pb";
import { Images } from "@slipway/api/containerd/services/images/v1/images_pb";
import { Version } from "@slipway/api/containerd/services/version/v1/version_pb";
import { GrpcChannel } from "@slipway/grpc/channel";
import { digestOf } from "@slipway/oci/digest";
import { createClient } from "@slipway/rpc/create-client";
import { Metadata } from "@slipway/rpc/metadata";
import { type Program, TestDaemon } from "../test/support/daemon.ts";
import { median } from "./support/figures.ts";

const rounds = Number(process.argv[2] ?? 7);
const options = { metadata: new Metadata([["containerd-namespace", "bench"]]) };
const programs = ["slipwayd", "containerd"] as const;

type Work = () => Promise<unknown>;

/** What is measured, by its name: each is one unit of work and how many calls it makes. */
async function works(channel: GrpcChannel): Promise<Record<string, readonly [Work, number]>> {
  const version = createClient(Version, channel);
  const containers = createClient(Containers, channel);
  const images = createClient(Images, channel);
  const labels = { "io.cri-containerd.kind": "container", owner: "bench" };
  const spec = { typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", value: specOf() };
  for (let n = 0; n < 500; n += 1) {
    const runtime = { name: "io.containerd.runc.v2" };
    await containers.create({ container: { id: `c${n}`, image: "busybox", labels, runtime, spec } }, options);
  }
  const target = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: digestOf("x"),
    size: 100n,
  };
  for (let n = 0; n < 200; n += 1) {
    await images.create({ image: { name: `registry.example/i${n}:latest`, labels, target } }, options);
  }
  return {
    "Version, one after the other": [() => times(500, () => version.version({}, options)), 500],
    "Version, 50 at once": [
      () => Promise.all(Array.from({ length: 50 }, () => times(20, () => version.version({}, options)))),
      1000,
    ],
    "list of 500 containers": [() => containers.list({}, options), 1],
    "list of 200 images": [() => images.list({}, options), 1],
  };
}

async function times(count: number, work: Work): Promise<void> {
  for (let n = 0; n < count; n += 1) await work();
}

/** A spec of the size that clients make: 12 KB. */
function specOf(): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify({ ociVersion: "1.1.0", filler: "x".repeat(12_000) }));
}

const ready: Partial<Record<Program, Record<string, readonly [Work, number]>>> = {};
await using stack = new AsyncDisposableStack();
for (const program of programs) {
  const daemon = stack.use(await TestDaemon.start(program));
  ready[program] = await works(stack.use(new GrpcChannel(daemon.address)));
}
for (const name of Object.keys(ready.slipwayd ?? {})) {
  const took: Record<Program, number[]> = { slipwayd: [], containerd: [] };
  for (let round = 0; round < rounds; round += 1) {
    // In turns: what else the machine does meets both.
    for (const program of programs) {
      const [work, calls] = ready[program]?.[name] ?? [async () => undefined, 1];
      const begun = performance.now();
      await work();
      took[program].push((performance.now() - begun) / calls);
    }
  }
  const [ms, theirs] = [median(took.slipwayd), median(took.containerd)];
  console.log(
    `${name}: ${ms.toFixed(3)} ms a call, containerd ${theirs.toFixed(3)}: ${(ms / theirs).toFixed(2)} of it`,
  );
}
