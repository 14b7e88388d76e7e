import { type PlainRequest, parseTarget } from "@slipway/client/mount-request";
import { refuseMount } from "./refuse-mount.ts";

/** Options that contradict each other: the last one of a group is used. */
const groups: readonly (readonly string[])[] = [
  ["exec", "noexec"],
  ["suid", "nosuid"],
  ["dev", "nodev"],
  ["ro", "rw"],
  ["sync", "async"],
  ["atime", "noatime", "relatime", "norelatime", "strictatime", "nostrictatime"],
  ["diratime", "nodiratime"],
  ["private", "rprivate", "shared", "rshared", "slave", "rslave"],
];
/** tmpfs(5). */
const values: Readonly<Record<string, RegExp>> = {
  size: /^\d+[kmg%]?$/i,
  nr_blocks: /^\d+[kmg]?$/i,
  nr_inodes: /^\d+[kmg]?$/i,
  mode: /^[0-7]{1,5}$/,
  uid: /^\d+$/,
  gid: /^\d+$/,
  mpol: /^[\w:=,-]+$/,
};

/** Docker's `--tmpfs TARGET[:OPTIONS]`. @throws {Fault} `invalid_argument` */
export function tmpfsRequest(text: string): PlainRequest {
  const [path = "", options = ""] = text.split(/:(.*)/s);
  const words = options === "" ? [] : options.split(",");
  for (const word of words) {
    const [key = "", value] = word.split(/=(.*)/s);
    const isKnown = value === undefined ? groupOf(word) !== undefined : values[key]?.test(value);
    if (!isKnown) refuseMount(text, `option "${word}" is no option of a tmpfs`);
  }
  return tmpfsAt(parseTarget(path), words);
}

/** A tmpfs with Docker's defaults. */
export function tmpfsAt(target: string, words: readonly string[]): PlainRequest {
  const chosen = new Map(
    ["noexec", "nosuid", "nodev", ...words].map((word) => [groupOf(word) ?? keyOf(word), word]),
  );
  const options = [...chosen.values()];
  return { type: "plain", target, mount: { destination: target, type: "tmpfs", source: "tmpfs", options } };
}

function groupOf(word: string): string | undefined {
  return groups.find((group) => group.includes(word))?.[0];
}

function keyOf(word: string): string {
  return word.split("=", 1)[0] ?? "";
}
