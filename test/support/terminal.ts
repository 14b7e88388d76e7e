import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { openPty, setWindowSize, terminalSettings, type WindowSize } from "@slipway/linux/pty";
import { patience } from "./patience.ts";

/** A program on a terminal of its own, as a shell would start it there, and somebody who types. */
export class TestTerminal implements Disposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  readonly #fd: number;
  readonly #master: ReadStream;
  readonly #terminal: number;
  readonly #before: Uint8Array;
  #isOpen = true;
  #shown = "";
  #more = Promise.withResolvers<void>();

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const { master, path } = openPty();
    this.#fd = master;
    this.#master = new ReadStream(master);
    this.#terminal = openSync(path, "r+");
    this.resize({ columns: 80, rows: 24 });
    this.#before = terminalSettings(this.#terminal);
    const { TERM = "xterm" } = process.env;
    this.#child = spawn("setsid", ["--ctty", program, ...args], {
      stdio: [this.#terminal, this.#terminal, this.#terminal],
      env: { ...process.env, TERM, ...env },
    });
    this.#ended = once(this.#child, "exit").then(([code]: (number | null)[]) => code ?? -1);
    this.#master.on("data", (chunk) => this.#show(String(chunk)));
    // Reading fails when nobody has the terminal any more.
    this.#master.on("error", () => {});
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("the program was not started");
    return this.#child.pid;
  }

  /** Everything that was shown so far. */
  get shown(): string {
    return this.#shown;
  }

  /** Whether the terminal's settings are what they were before the program. */
  get isRestored(): boolean {
    return Buffer.from(terminalSettings(this.#terminal)).equals(this.#before);
  }

  type(text: string): void {
    this.#master.write(text);
  }

  resize(size: WindowSize): void {
    setWindowSize(this.#fd, size);
  }

  /** Waits until the program has shown something. */
  async shows(pattern: RegExp, timeoutMs = 30_000 * patience): Promise<RegExpExecArray> {
    const late = AbortSignal.timeout(timeoutMs);
    const gaveUp = once(late, "abort");
    for (;;) {
      const match = pattern.exec(this.#shown);
      if (match) return match;
      if (late.aborted) throw new Error(`${pattern} did not show up: ${JSON.stringify(this.#shown)}`);
      await Promise.race([this.#more.promise, gaveUp]);
    }
  }

  /** Waits for the program's end. @returns its exit code; -1 when a signal ended it */
  async end(timeoutMs = 30_000 * patience): Promise<number> {
    const late = once(AbortSignal.timeout(timeoutMs), "abort").then(() => {
      throw new Error(`it does not end: ${JSON.stringify(this.#shown)}`);
    });
    return await Promise.race([this.#ended, late]);
  }

  /** As when its window is closed. */
  hangUp(): void {
    this.#master.destroy();
    if (this.#isOpen) closeSync(this.#terminal);
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
    this.hangUp();
  }

  #show(text: string): void {
    this.#shown += text;
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }
}
