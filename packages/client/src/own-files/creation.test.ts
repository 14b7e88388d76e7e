import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Fault } from "@slipway/fault/fault";
import { VolumeDirectories } from "../volumes/volume-directories.ts";
import { Creation } from "./creation.ts";
import { directoriesOfContainer, hostDirectories } from "./host-directories.ts";

/** Directories of a daemon, and its containers. */
class World implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "slipway-creation-"));
  readonly directories = hostDirectories("/a.sock", "default", this.folder);
  readonly volumes = new VolumeDirectories(this.directories.volumes);
  readonly known = new Set<string>();
  readonly containers = {
    get: async (id: string): Promise<void> => {
      if (!this.known.has(id)) throw new Fault("not_found", `container ${id}: not found`);
    },
  };

  async begin(id: string): Promise<Creation> {
    return await Creation.begin(this.directories, id, this.containers);
  }

  /** A container's directory, and a volume that goes with it. */
  async fill(creation: Creation, volume: string): Promise<void> {
    writeFileSync(join(creation.directory(), "hosts"), "");
    creation.note(volume);
    await this.volumes.ensure(volume, {});
  }

  /** What a creator left that was killed: its lock is gone with it. */
  async abandon(id: string, volume: string): Promise<void> {
    mkdirSync(this.directories.creations, { recursive: true });
    writeFileSync(join(this.directories.creations, id), `${volume}\n`);
    mkdirSync(this.directories.container(id), { recursive: true });
    await this.volumes.ensure(volume, {});
  }

  /** The containers' directories, the volumes, and the creations that are named. */
  async left(): Promise<[string[], string[], string[]]> {
    const containers = join(this.directories.container("x"), "..");
    return [
      existsSync(containers) ? readdirSync(containers) : [],
      (await this.volumes.list()).map(({ name }) => name),
      readdirSync(this.directories.creations),
    ];
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

describe("Creation", () => {
  it("removes everything unless it is finished", async () => {
    using world = new World();
    {
      await using creation = await world.begin("failed");
      await world.fill(creation, "v1");
    }
    assert.deepEqual(await world.left(), [[], [], []]);
    {
      await using creation = await world.begin("made");
      await world.fill(creation, "v2");
      creation.finish();
    }
    assert.deepEqual(await world.left(), [["made"], ["v2"], []]);
  });

  it("removes what a creator left that was killed, and not what its container names", async () => {
    using world = new World();
    await world.abandon("killed", "v1");
    await world.abandon("created", "v2");
    world.known.add("created");
    await using creation = await world.begin("next");
    creation.finish();
    assert.deepEqual(await world.left(), [["created"], ["v2"], ["next"]]);
  });

  it("leaves what others are creating, and a volume whose name was not written whole", async () => {
    using world = new World();
    await using other = await world.begin("other");
    await world.fill(other, "v1");
    await world.abandon("torn", "v2");
    writeFileSync(join(world.directories.creations, "torn"), "v");
    await using creation = await world.begin("next");
    creation.finish();
    other.finish();
    assert.deepEqual(await world.left(), [["other"], ["v1", "v2"], ["next", "other"]]);
  });

  it("creates many at once", async () => {
    using world = new World();
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await using creation = await world.begin(`c${index}`);
        await world.fill(creation, `vol${index}`);
        world.known.add(`c${index}`);
        creation.finish();
      }),
    );
    const [containers, volumes, creations] = await world.left();
    assert.deepEqual([containers.length, volumes.length, creations.length], [20, 20, 0]);
  });
});

describe("hostDirectories", () => {
  it("is the same for both spellings of a socket, and for the container that it names", () => {
    const plain = hostDirectories("/run/a.sock", "ns", "/r");
    const url = hostDirectories("unix:///run/a.sock", "ns", "/r");
    assert.equal(plain.volumes, url.volumes);
    const labels = { "nerdctl/state-dir": plain.container("i") };
    assert.equal(directoriesOfContainer({ id: "i", labels })?.volumes, plain.volumes);
    assert.equal(directoriesOfContainer({ id: "other", labels }), undefined);
  });
});
