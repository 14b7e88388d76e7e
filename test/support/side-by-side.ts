import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { collectsWhenAsked as config, TestDaemon } from "./daemon.ts";
import type { Result, RunOptions } from "./run.ts";

/**
 * Runs the same commands of ctr against Debian's containerd and then against slipwayd, and compares what they answer.
 * One after the other: their containers have the same names, and runc keeps those in one place.
 */
export class SideBySide {
  readonly #namespace: string;
  #daemons: readonly TestDaemon[] = [];

  /** Starts both daemons before the tests of a suite, and ends them after. Suites run at once: `namespace` is its own. */
  constructor(namespace: string) {
    this.#namespace = namespace;
    before(async () => {
      this.#daemons = [
        await TestDaemon.start("containerd", { config }),
        await TestDaemon.start("slipwayd", { config }),
      ];
    });
    after(async () => {
      for (const daemon of this.#daemons) await daemon[Symbol.asyncDispose]();
    });
  }

  /** Does something with each daemon before the tests. */
  before(work: (session: Session) => Promise<unknown>): void {
    before(async () => {
      for (const daemon of this.#daemons) await work(new Session(daemon, this.#namespace));
    });
  }

  /** A test whose steps have the same results. */
  it(name: string, steps: (session: Session) => Promise<void>): void {
    it(name, async () => {
      const transcripts: string[][] = [];
      for (const daemon of this.#daemons) {
        const session = new Session(daemon, this.#namespace);
        await steps(session);
        transcripts.push(session.transcript);
      }
      const [theirs, ours] = transcripts;
      assert.deepEqual(ours, theirs);
    });
  }
}

interface StepOptions extends RunOptions {
  /** Takes away what may differ. */
  readonly normalize?: (text: string) => string;
}

/** One run of a test's steps, against one daemon. */
export class Session {
  readonly daemon: TestDaemon;
  readonly transcript: string[] = [];
  readonly #namespace: string;

  constructor(daemon: TestDaemon, namespace: string) {
    this.daemon = daemon;
    this.#namespace = namespace;
  }

  /** A command line of ctr, its words apart from each other by spaces. */
  async ctr(command: string, options?: StepOptions): Promise<Result> {
    return await this.ctrArgs(command.split(" ").filter(Boolean), options);
  }

  async ctrArgs(args: readonly string[], { normalize, ...options }: StepOptions = {}): Promise<Result> {
    const result = await this.daemon.ctr(["--namespace", this.#namespace, ...args], options);
    const { code, stdout, stderr } = result;
    this.note(`ctr ${args.join(" ")}: ${code}`);
    for (const text of [stdout, stderr]) this.note(normalize ? normalize(text) : text);
    return result;
  }

  /** Adds something else that must be the same. */
  note(text: string): void {
    const lines = alike(text.replaceAll(this.daemon.folder.path, "FOLDER")).split("\n");
    this.transcript.push(...lines.filter((line) => line !== ""));
  }
}

/** Takes away times and ages, and the spaces of tables whose columns they widen. */
export function withoutTimes(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(?:Z| ?[+-]\d\d:?\d\d(?: \w+)?)/g, "TIME")
    .replaceAll(/\b(?:About an? \w+|Less than a \w+|\d+ \w+)( ago)?\b(?= *\t| {2}|$)/gm, "AGE")
    .replaceAll(/[ \t]+/g, " ");
}

/** Labels come in the order of a hash map: sorts what is joined by commas. */
export function withSortedLabels(text: string): string {
  return text.replaceAll(/[\w.\-/]+=\S*,\S*=\S*/g, (labels) => labels.split(",").toSorted().join(","));
}

/** Debian's containerd is 1.6: takes away where newer ones, and slipwayd, say it better. */
function alike(text: string): string {
  return text
    .replaceAll(/(?:: invalid argument)+/g, ": invalid argument")
    .replaceAll(/(label key and value) length \(\d+ bytes\)/g, "$1");
}
