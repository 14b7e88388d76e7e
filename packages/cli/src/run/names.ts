import type { Client } from "@slipway/client/client";
import type { Container } from "@slipway/core/containers";
import { Fault } from "@slipway/fault/fault";
import { randomBytes, randomInt } from "node:crypto";

const adjectives =
  "able brisk calm clever daring deft eager fair fleet fresh gentle glad hardy jolly keen lively lucky merry neat nimble proud quick quiet ready sharp steady stout swift trim true vivid windward";
const vessels =
  "barge bark brig caravel catamaran clipper cog coracle corvette cutter dhow dinghy dory ferry frigate galleon gig hoy junk kayak ketch lugger packet pinnace punt sampan schooner skiff sloop smack tender trawler tug wherry xebec yawl";

const maxNameLength = 255;

/** 64 hex digits. */
export function newId(): string {
  return randomBytes(32).toString("hex");
}

/** Such as `brisk_sloop`. */
export function newName(): string {
  return `${pick(adjectives)}_${pick(vessels)}`;
}

function pick(words: string): string {
  const all = words.split(" ");
  return all[randomInt(all.length)] ?? "";
}

/** @throws {Fault} `invalid_argument` */
export function refuseBadName(name: string): void {
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(name)) {
    throw new Fault("invalid_argument", `Cannot use name "${name}": letters, digits, _ . and - make one`);
  }
  // A label holds it, which has bounds, too.
  if (name.length > maxNameLength) {
    const why = `it has ${name.length} characters, more than ${maxNameLength}`;
    throw new Fault("invalid_argument", `Cannot use name "${name.slice(0, 60)}...": ${why}`);
  }
}

/** @throws {Fault} `already_exists` */
export async function refuseTakenName(client: Client, name: string): Promise<void> {
  const [taken] = await named(client, name);
  if (taken) refuseTaken(name, taken);
}

/**
 * Of several containers that were made with a name at the same time, the first one keeps it; the others are removed again.
 * @throws {Fault} `already_exists`
 */
export async function keepName(client: Client, name: string, id: string): Promise<void> {
  const [first] = await named(client, name);
  if (!first || first.id === id) return;
  await client.containers.delete(id);
  refuseTaken(name, first);
}

/** The oldest first. */
async function named(client: Client, name: string): Promise<Container[]> {
  const all = await client.containers.list([`labels."nerdctl/name"==${name}`]);
  return all.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1));
}

function refuseTaken(name: string, { id }: Container): never {
  throw new Fault("already_exists", `Cannot use name "${name}": container ${id.slice(0, 12)} has it`);
}
