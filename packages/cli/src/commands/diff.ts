import { lstatSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import { leased } from "@slipway/client/leased";
import type { Container } from "@slipway/core/containers";
import { TarDecoder } from "@slipway/layers/tar/decoder";
import { mediaTypes } from "@slipway/oci/media-types";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { type Change, withoutMountPoints } from "../containers/mount-points.ts";
import { layerOf } from "../images/commit-container.ts";
import { mountReadOnly } from "@slipway/client/mounted";

export function configure(command: Command, cli: Cli): void {
  command.argument("<container>", "name or id").action(async (text: string) => {
    // The layer and the view belong to nothing but the lease: a collection may come at any time.
    await using held = await leased(await cli.client());
    const container = await findContainer(held.client, text);
    const changed = await changedPaths(held.client, container);
    const changes = withoutMountPoints(container, await marked(held.client, container, changed));
    process.stdout.write(changes.map(({ kind, path }) => `${kind} ${path}\n`).join(""));
  });
}

/** Paths in the layer that the container's changes make. */
async function changedPaths(client: Client, container: Container): Promise<string[]> {
  const layer = await layerOf(client, container, mediaTypes.ociLayer);
  const paths: string[] = [];
  const decoder = new TarDecoder({
    entry: ({ name }) => void paths.push(Buffer.from(name, "latin1").toString().replace(/\/$/, "")),
    data: () => {},
    end: () => {},
  });
  for await (const chunk of client.content.read(layer.digest)) decoder.write(chunk);
  decoder.end();
  return paths.filter((path) => path !== "" && path !== ".");
}

async function marked(client: Client, container: Container, paths: readonly string[]): Promise<Change[]> {
  const snapshots = client.snapshotter(container.snapshotter);
  const { parent } = await snapshots.stat(container.snapshotKey);
  const view = `view-${randomBytes(8).toString("hex")}`;
  const mounts = await snapshots.view(view, parent);
  try {
    using root = mountReadOnly(mounts);
    return paths.map((path): Change => {
      const [, folder = "", gone] = /^(.*\/)?\.wh\.(.+)$/.exec(path) ?? [];
      if (gone !== undefined) return { kind: "D", path: `/${folder}${gone}` };
      return { kind: isThere(root.path, path) ? "C" : "A", path: `/${path}` };
    });
  } finally {
    await snapshots.remove(view);
  }
}

/** Does not leave the root file system through a link on the way. */
function isThere(root: string, path: string): boolean {
  let at = root;
  const parts = path.split("/");
  return parts.every((part, index) => {
    at = join(at, part);
    const stats = lstatSync(at, { throwIfNoEntry: false });
    return stats !== undefined && (index === parts.length - 1 || stats.isDirectory());
  });
}
