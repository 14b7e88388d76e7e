// Lives of a no-op through the shim's ttrpc API: one after the other, then four side by side.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Events } from "@slipway/api/containerd/services/events/ttrpc/v1/ttrpc_pb";
import { Task } from "@slipway/api/containerd/task/v3/task_pb";
import { serve } from "@slipway/rpc/service";
import { Bundles } from "@slipway/shim/testing/bundles";
import { TtrpcClient } from "@slipway/ttrpc/client";
import { TtrpcServer } from "@slipway/ttrpc/server";

const LIVES = Number(process.argv[2] ?? 60);
using bundles = new Bundles();
const [events, socket] = [join(bundles.root, "events.sock"), join(bundles.root, "shim.sock")];
let published = 0;
const daemon = new TtrpcServer([
  serve(Events, {
    forward: () => {
      published += 1;
      return {};
    },
  }),
]);
await daemon.listen(events);

const program = fileURLToPath(new URL("../bin/containerd-shim-slipway-v1", import.meta.url));
const flags = ["-namespace", "bench", "-events", events, "-runtime-root", join(bundles.root, "runtime")];
const began = performance.now();
const shim = spawn(program, [...flags, "serve", "-socket", socket], { stdio: "inherit" });
process.once("exit", () => shim.kill());
await appears(socket);
console.log(`shim ready after ${(performance.now() - began).toFixed(0)} ms`);
const client = new TtrpcClient(socket);

const made = Array.from({ length: LIVES * 2 }, () => bundles.bundle(["true"]));
const spent = { create: 0, start: 0, wait: 0, delete: 0 };
await live();
for (const key of Object.keys(spent) as (keyof typeof spent)[]) spent[key] = 0;
const one = await timed(LIVES, 1);
const parts = Object.entries(spent).map(([name, ms]) => `${name} ${(ms / LIVES).toFixed(1)}`);
console.log(`one after the other: ${(one / LIVES).toFixed(1)} ms a life (${parts.join(", ")})`);
const four = await timed(LIVES, 4);
console.log(`four side by side: ${((LIVES * 1000) / four).toFixed(1)} lives a second`);
const rollup = readFileSync(`/proc/${shim.pid}/smaps_rollup`, "utf8");
console.log(`shim: PSS ${/^Pss:\s+(\d+)/m.exec(rollup)?.[1]} kB, ${published} events`);
client[Symbol.dispose]();
shim.kill();
await daemon.drain(0);
process.exitCode = 0;

async function live(): Promise<void> {
  const { id, bundle } = made.pop() ?? bundles.bundle(["true"]);
  const step = async (name: keyof typeof spent, call: Promise<unknown>): Promise<void> => {
    const start = performance.now();
    await call;
    spent[name] += performance.now() - start;
  };
  await step("create", client.unary(Task.method.create, { id, bundle }));
  await step("start", client.unary(Task.method.start, { id }));
  await step("wait", client.unary(Task.method.wait, { id }));
  await step("delete", client.unary(Task.method.delete, { id }));
}

async function timed(lives: number, width: number): Promise<number> {
  const start = performance.now();
  let left = lives;
  const worker = async (): Promise<void> => {
    while ((left -= 1) >= 0) await live();
  };
  await Promise.all(Array.from({ length: width }, worker));
  return performance.now() - start;
}

async function appears(path: string): Promise<void> {
  const watcher = watch(bundles.root);
  while (!existsSync(path)) await once(watcher, "change");
  watcher.close();
}
