import { resolve } from "node:path";
import { type MountRequest, parseTarget } from "@slipway/client/mount-request";
import { parseVolumeName } from "@slipway/core/volumes";
import { type BindOptions, bindOptions, hasSelinux, propagations } from "./bind-options.ts";
import { refuseMount } from "./refuse-mount.ts";

/**
 * Docker's `-v [SOURCE:]TARGET[:MODES]`: a directory of the host, which is created where nothing is, a volume by its name,
 * or, without a source, a volume that goes with the container.
 * @throws {Fault} `invalid_argument`
 */
export function volumeRequest(text: string): MountRequest {
  const parts = text.split(":");
  if (parts.length > 3 || parts.includes("")) refuseMount(text, "it is not [SOURCE:]TARGET[:MODES]");
  const [source, destination, modes = ""] = parts.length === 1 ? [undefined, ...parts] : parts;
  const target = parseTarget(destination ?? "");
  const words = modes === "" ? [] : modes.split(",");
  if (source !== undefined && /^(?:\/|\.{1,2}(?:\/|$))/.test(source)) {
    const options = bindOptions(bindModes(text, words));
    return { type: "bind", target, source: resolve(source), options, createsSource: true };
  }
  if (source?.includes("/")) {
    refuseMount(text, `"${source}" is no volume's name, and a directory's path begins with / or ./`);
  }
  const name = source === undefined ? undefined : parseVolumeName(source);
  return { type: "volume", target, name, labels: {}, ...volumeModes(text, words) };
}

function bindModes(text: string, words: readonly string[]): BindOptions {
  const chosen = oneOfEach(text, words, (word) => {
    if (["rw", "ro", "rro"].includes(word)) return "access";
    if (propagations.has(word)) return "propagation";
    return consistencies.has(word) ? "consistency" : relabels(text, word);
  });
  const access = (["rw", "ro", "rro"] as const).find((word) => word === chosen.get("access"));
  const propagation = chosen.get("propagation");
  return { ...(access ? { access } : {}), ...(propagation === undefined ? {} : { propagation }) };
}

function volumeModes(text: string, words: readonly string[]): { readOnly: boolean; copiesUp: boolean } {
  const chosen = oneOfEach(text, words, (word) => {
    if (word === "rw" || word === "ro") return "access";
    if (word === "nocopy") return word;
    return consistencies.has(word) ? "consistency" : relabels(text, word);
  });
  return { readOnly: chosen.get("access") === "ro", copiesUp: !chosen.has("nocopy") };
}

const consistencies: ReadonlySet<string> = new Set(["consistent", "cached", "delegated", "default"]);

/** Without SELinux there are no labels to change, as in Docker. */
function relabels(text: string, word: string): string | undefined {
  if (word !== "z" && word !== "Z") return undefined;
  if (hasSelinux())
    refuseMount(text, `mode "${word}" needs files to get other SELinux labels, which is not possible`);
  return "label";
}

/** The words by their kinds, of which there may be one each. */
function oneOfEach(
  text: string,
  words: readonly string[],
  kindOf: (word: string) => string | undefined,
): ReadonlyMap<string, string> {
  const chosen = new Map<string, string>();
  for (const word of words) {
    const kind = kindOf(word);
    if (kind === undefined) refuseMount(text, `mode "${word}" is not known`);
    const other = chosen.get(kind);
    if (other !== undefined) refuseMount(text, `modes "${other}" and "${word}" exclude each other`);
    chosen.set(kind, word);
  }
  return chosen;
}
