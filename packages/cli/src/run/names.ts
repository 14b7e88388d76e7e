import type { Client } from "@slipway/client/client";
import { Fault } from "@slipway/fault/fault";
import { randomBytes, randomInt } from "node:crypto";

const adjectives =
  "able brisk calm clever daring deft eager fair fleet fresh gentle glad hardy jolly keen lively lucky merry neat nimble proud quick quiet ready sharp steady stout swift trim true vivid windward";
const vessels =
  "barge bark brig caravel catamaran clipper cog coracle corvette cutter dhow dinghy dory ferry frigate galleon gig hoy junk kayak ketch lugger packet pinnace punt sampan schooner skiff sloop smack tender trawler tug wherry xebec yawl";

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
}

/** @throws {Fault} `already_exists` */
export async function refuseTakenName(client: Client, name: string): Promise<void> {
  const [taken] = await client.containers.list([`labels."nerdctl/name"==${name}`]);
  if (taken) {
    throw new Fault("already_exists", `Cannot use name "${name}": container ${taken.id.slice(0, 12)} has it`);
  }
}
