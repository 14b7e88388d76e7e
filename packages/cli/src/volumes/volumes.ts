import type { Client } from "@slipway/client/client";
import { volumesOf } from "@slipway/client/container-volumes";
import { hostDirectories } from "@slipway/client/host-directories";
import { VolumeDirectories } from "@slipway/client/volume-directories";
import { isAnonymous, type Volume } from "@slipway/core/volumes";
import { Fault } from "@slipway/fault/fault";

/** The volumes of the client's namespace. */
export function volumesFor({ address, namespace }: Pick<Client, "address" | "namespace">): VolumeDirectories {
  return new VolumeDirectories(hostDirectories(address, namespace).volumes);
}

/** The names of the volumes that containers mount, running or not, and the container of each that comes first. */
export async function volumeUsers(client: Client): Promise<ReadonlyMap<string, string>> {
  const users = new Map<string, string>();
  for (const container of await client.containers.list()) {
    for (const name of volumesOf(container)) if (!users.has(name)) users.set(name, container.id);
  }
  return users;
}

/** @throws {Fault} `not_found`; `failed_precondition` if a container mounts it */
export async function removeVolume(client: Client, name: string): Promise<void> {
  const store = volumesFor(client);
  await store.get(name);
  using _ = await store.lockForRemoval();
  const user = (await volumeUsers(client)).get(name);
  if (user !== undefined) {
    const why = `container ${user.slice(0, 12)} uses it`;
    throw new Fault("failed_precondition", `Cannot remove volume "${name}": ${why}`);
  }
  await store.remove(name);
}

/** Removes the volumes that no container mounts: all, or those without a name of their own. @returns the removed ones' names */
export async function pruneVolumes(
  client: Client,
  all: boolean,
  isWanted: (volume: Volume) => boolean = () => true,
): Promise<string[]> {
  const store = volumesFor(client);
  if ((await store.list()).length === 0) return [];
  using _ = await store.lockForRemoval();
  const users = await volumeUsers(client);
  const unused = (await store.list()).filter(
    (volume) => !users.has(volume.name) && (all || isAnonymous(volume)) && isWanted(volume),
  );
  for (const { name } of unused) await store.remove(name);
  return unused.map(({ name }) => name);
}
