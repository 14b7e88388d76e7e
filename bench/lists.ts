import { connect } from "@slipway/client/connect";

/**
 * How long a short call waits beside ten filtered lists, and what a list takes: `node bench/lists.ts SOCKET [COUNT]`, with
 * a daemon that has nothing else to do. The containers that it makes are removed again.
 */
const [address = "/run/slipway/slipway.sock", count = "10000"] = process.argv.slice(2);
const namespace = "bench-lists";
await using client = connect({ address, namespace });
await using other = connect({ address, namespace });
const value = new Uint8Array(Buffer.from(JSON.stringify({ annotations: { large: "x".repeat(4096) } })));
const ids = Array.from({ length: Number(count) }, (_, n) => `c${n}`);

async function eachOf(work: (id: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < ids.length; at += 100) await Promise.all(ids.slice(at, at + 100).map(work));
}

await eachOf((id) =>
  client.containers.create({
    id,
    labels: { id },
    image: "",
    runtime: { name: "io.containerd.runc.v2" },
    spec: { typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", value },
    snapshotter: "",
    snapshotKey: "",
    extensions: {},
    sandboxId: "",
  }),
);
const waitsMs: number[] = [];
const over = new AbortController();
const calls = (async () => {
  while (!over.signal.aborted) {
    const begun = performance.now();
    await other.introspection.version();
    waitsMs.push(performance.now() - begun);
  }
})();
const begun = performance.now();
await Promise.all(Array.from({ length: 10 }, () => client.containers.list(["labels.id==c7"])));
const tookMs = performance.now() - begun;
over.abort();
await calls;
waitsMs.sort((a, b) => a - b);
const at = (part: number): string => (waitsMs[Math.floor((waitsMs.length - 1) * part)] ?? 0).toFixed(1);
process.stdout.write(
  `ten lists of ${count}: ${tookMs.toFixed(0)} ms; ${waitsMs.length} calls beside them: ` +
    `median ${at(0.5)} ms, 99 of 100 ${at(0.99)} ms, at most ${at(1)} ms\n`,
);
await eachOf((id) => client.containers.delete(id));
