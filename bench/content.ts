/*
 * A blob of random bytes in and out by ctr, slipwayd beside Debian's containerd.
 * Usage: node bench/content.ts [MiB] [rounds]. Needs root.
 */
import { spawn } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { digestOf } from "@slipway/oci/digest";
import { type Program, TestDaemon } from "../test/support/daemon.ts";
import { TestFolder } from "../test/support/folder.ts";
import { median } from "./support/figures.ts";

const mebibytes = Number(process.argv[2] ?? 512);
const rounds = Number(process.argv[3] ?? 5);

using folder = new TestFolder("bench-content");
await using ours = await TestDaemon.start("slipwayd");
await using theirs = await TestDaemon.start("containerd");
const daemons: Readonly<Record<Program, TestDaemon>> = { slipwayd: ours, containerd: theirs };
const programs = ["slipwayd", "containerd"] as const;
const path = folder.join("blob");
const digest = writeBlob();

/** Runs ctr with its input and output in files, as a shell would. @returns MiB a second */
async function ctr(program: Program, args: readonly string[], from: string, to: string): Promise<number> {
  const [input, output] = [openSync(from, "r"), openSync(to, "w")];
  const begun = performance.now();
  const child = spawn("ctr", ["-a", daemons[program].address, "content", ...args], {
    stdio: [input, output, "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  const seconds = (performance.now() - begun) / 1000;
  closeSync(input);
  closeSync(output);
  if (code !== 0) throw new Error(`ctr content ${args.join(" ")}: ${code}`);
  return mebibytes / seconds;
}

const speeds = {
  ingest: { slipwayd: [] as number[], containerd: [] as number[] },
  get: { slipwayd: [] as number[], containerd: [] as number[] },
};
for (let round = 0; round < rounds; round += 1) {
  // In turns: what else the machine does meets both.
  for (const program of programs) {
    speeds.ingest[program].push(await ctr(program, ["ingest", `r${round}`], path, "/dev/null"));
    speeds.get[program].push(await ctr(program, ["get", digest], "/dev/null", "/dev/null"));
    await ctr(program, ["rm", digest], "/dev/null", "/dev/null");
  }
}
for (const name of ["ingest", "get"] as const) {
  const [own, other] = programs.map((program) => median(speeds[name][program])) as [number, number];
  console.log(
    `content ${name} of ${mebibytes} MiB: ${own.toFixed(0)} MiB/s, containerd ${other.toFixed(0)}: ${(own / other).toFixed(2)} times`,
  );
}

function writeBlob(): string {
  const bytes = Buffer.alloc(mebibytes * 1024 * 1024);
  for (let at = 0; at < bytes.length; at += 1024 * 1024) randomFillSync(bytes, at, 1024 * 1024);
  writeFileSync(path, bytes);
  return digestOf(readFileSync(path));
}
