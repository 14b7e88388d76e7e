/*
 * How long a daemon takes to answer and what it holds in memory when it has nothing more to do, slipwayd beside the machine's containerd.
 * Usage: node bench/daemon-start.ts [runs]. Needs root. Memory is proportional (PSS), in MB.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { answers } from "@slipway/linux/answers";
import { median, pssOf } from "./support/figures.ts";

/** What was begun is done, and neither program's garbage collector is about to run. */
const AT_REST_MS = 4000;

interface Sample {
  readonly readyMs: number;
  readonly pss: number;
}

/** Resolves when something listens. Asks each millisecond: a socket's file is there before anyone listens. */
async function listening(address: string): Promise<void> {
  while (!(await answers(address))) await setTimeout(1);
}

async function sample(program: string): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), "slipway-bench-"));
  const state = join(folder, "state");
  mkdirSync(state);
  const address = join(state, "a.sock");
  const begun = performance.now();
  const child: ChildProcess = spawn(
    program,
    ["--root", join(folder, "root"), "--state", state, "--address", address],
    { stdio: "ignore" },
  );
  try {
    await listening(address);
    execFileSync("ctr", ["--address", address, "version"], { stdio: "ignore" });
    const readyMs = performance.now() - begun;
    await setTimeout(AT_REST_MS);
    return { readyMs, pss: pssOf(child.pid ?? 0) };
  } finally {
    const ended = once(child, "exit");
    child.kill();
    await ended;
    rmSync(folder, { recursive: true });
  }
}

const runs = Number(process.argv[2] ?? 10);
const medians: Sample[] = [];
for (const program of [join(import.meta.dirname, "../bin/slipwayd"), "containerd"]) {
  const samples: Sample[] = [];
  for (let run = 0; run < runs; run++) samples.push(await sample(program));
  const result = {
    readyMs: median(samples.map(({ readyMs }) => readyMs)),
    pss: median(samples.map(({ pss }) => pss)),
  };
  medians.push(result);
  console.log(`${program}: answers ctr after ${result.readyMs.toFixed(0)} ms, ${result.pss.toFixed(0)} MB`);
}
const [own, other] = medians;
if (own && other) {
  console.log(
    `ratio: ${(own.readyMs / other.readyMs).toFixed(2)} in time, ${(own.pss / other.pss).toFixed(2)} in memory`,
  );
}
