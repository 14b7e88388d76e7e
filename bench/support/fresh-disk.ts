import { closeSync, ftruncateSync, mkdirSync, openSync } from "node:fs";
import { TestFolder } from "../../test/support/folder.ts";
import { output } from "../../test/support/run.ts";

const sizeBytes = 4 * 2 ** 30;

/**
 * A newly made ext4 at `folder`, in a loop file: on a used one the figure would be the deletions' before it. Disposing of
 * it unmounts and removes it.
 */
export class FreshDisk implements Disposable {
  readonly folder: string;
  readonly #files: TestFolder;

  private constructor(files: TestFolder) {
    this.#files = files;
    this.folder = files.join("mounted");
  }

  static async make(): Promise<FreshDisk> {
    const disk = new FreshDisk(new TestFolder("bench-disk"));
    const image = disk.#files.join("disk.img");
    const fd = openSync(image, "w");
    ftruncateSync(fd, sizeBytes);
    closeSync(fd);
    // All of the file system is made now, and nothing of it while the clock runs.
    await output("mkfs.ext4", ["-qF", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", image]);
    mkdirSync(disk.folder);
    await output("mount", ["-o", "loop", image, disk.folder]);
    return disk;
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}
