import { type ChildProcessByStdio, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { stripVTControlCharacters } from "node:util";

export interface MachineOptions {
  /** Where scripts/test-modern.sh put QEMU (`qemu`), a kernel and a disk (`modern`). */
  readonly tools: string;
  /** A disk with the checkout. */
  readonly checkout: string;
  /** A disk whose contents stay. */
  readonly data?: string;
  /** A file in test/modern/guest, without its ending. */
  readonly job: string;
  readonly args?: readonly string[];
  /** Whether the job runs below systemd; it is the only program otherwise, half a minute sooner. */
  readonly isWhole: boolean;
}

/** A guest in QEMU's software emulation, which runs one job. Its console is shown. What it writes to its own disks is thrown away. */
export class Machine implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #lines: string[] = [];
  readonly #changes = new EventEmitter();
  readonly #ended: Promise<unknown>;
  #hasEnded = false;

  constructor(options: MachineOptions) {
    this.#child = spawn(`${options.tools}/qemu/bin/qemu-system-x86_64`, qemuFlags(options), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#ended = once(this.#child, "exit").finally(() => {
      this.#hasEnded = true;
      this.#changes.emit("change");
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface(stream).on("line", (line) => {
        const text = stripVTControlCharacters(line).trimEnd();
        this.#lines.push(text);
        if (text !== "") console.log(text);
        this.#changes.emit("change");
      });
    }
  }

  /** What it printed on its console. */
  get log(): string {
    return this.#lines.join("\n");
  }

  /** Resolves when a line of the console has `part`. @throws when the machine ends without it */
  async until(part: string): Promise<string> {
    for (;;) {
      const found = this.#lines.find((line) => line.includes(part));
      if (found !== undefined) return found;
      if (this.#hasEnded) throw new Error(`The machine ended before "${part}":\n${this.log}`);
      await once(this.#changes, "change");
    }
  }

  /** Waits for the job. @returns its exit status */
  async job(): Promise<number> {
    const line = await this.until("job ended with ");
    await this.#ended;
    return Number(line.replace(/.*job ended with /, ""));
  }

  /** The power goes, at once: what the guest had not written is lost. */
  async cutPower(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.cutPower();
  }
}

function qemuFlags({ tools, checkout, data, job, args = [], isWhole }: MachineOptions): string[] {
  const words = [
    // A timer of an emulated machine may be later than a kernel waits for it.
    "console=ttyS0 quiet loglevel=1 panic=-1 no_timer_check root=/dev/nvme0n1 rw rootfstype=ext4 mitigations=off nokaslr",
    "systemd.show_status=0 printk.devkmsg=off",
    `slipway.job=${job} slipway.args=${args.join(",")}`,
    ...(isWhole ? [] : ["init=/slipway-init"]),
  ];
  // The kernel itself must find the root; programs find the others by their labels.
  const disk = (file: string, id: string, device: string, isKept = false): string[] => [
    "-drive",
    `file=${file},if=none,id=${id},format=raw,cache=unsafe,snapshot=${isKept ? "off" : "on"}`,
    "-device",
    `${device},drive=${id}`,
  ];
  return [
    ..."-nodefaults -no-user-config -display none -no-reboot -M q35 -cpu max -smp 2 -m 3G".split(" "),
    ..."-accel tcg,thread=multi,tb-size=1024 -device virtio-rng-pci -serial stdio".split(" "),
    ...["qemu", "seabios"].flatMap((name) => ["-L", `${tools}/qemu/root/usr/share/${name}`]),
    "-kernel",
    `${tools}/modern/vmlinux`,
    "-append",
    words.join(" "),
    ...disk(`${tools}/modern/root.img`, "root", "nvme,serial=root"),
    ...disk(checkout, "checkout", "virtio-blk-pci"),
    ...(data === undefined ? [] : disk(data, "data", "virtio-blk-pci", true)),
  ];
}
