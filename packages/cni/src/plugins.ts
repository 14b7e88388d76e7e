import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { Fault, type FaultCode } from "@slipway/fault/fault";
import { parseJson } from "@slipway/oci/documents/json-field";
import { runProgram } from "./run-program.ts";

/** What is asked of a plugin. */
export type PluginCommand = "ADD" | "CHECK" | "DEL" | "GC" | "STATUS" | "VERSION";

/** Whose network is meant; all empty for GC, STATUS and VERSION. */
export interface PluginTarget {
  readonly containerId: string;
  /** The network namespace's path; empty for one that is gone. */
  readonly netns: string;
  readonly interfaceName: string;
  /** Further words for plugins, such as `K8S_POD_NAME`. */
  readonly args?: Readonly<Record<string, string>>;
}

/** A plugin's own number of its failure. https://github.com/containernetworking/cni/blob/main/SPEC.md#error */
export interface PluginFailure {
  readonly cniCode: number;
}

/** Where Debian, and where everybody else, keeps plugins. */
export const defaultPluginDirectories: readonly string[] = [
  "/opt/cni/bin",
  "/usr/lib/cni",
  "/usr/libexec/cni",
];

const nowhere: PluginTarget = { containerId: "", netns: "", interfaceName: "" };

/** The plugins that a machine has: other people's programs, found by name. */
export class Plugins {
  readonly directories: readonly string[];

  constructor(directories: readonly string[] = defaultPluginDirectories) {
    this.directories = directories;
  }

  /**
   * Runs a plugin. Aborted, it is killed, and the call rejects with the signal's reason once it has exited.
   * @param config what it reads on its standard input
   * @returns what it printed
   * @throws {Fault} `failed_precondition` if it is not installed, else what it says, with its number in the details
   */
  async run(
    type: string,
    command: PluginCommand,
    config: Readonly<Record<string, unknown>>,
    options: { readonly target?: PluginTarget; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<string> {
    const { target = nowhere, signal } = options;
    const path = await this.#find(type);
    const done = await runProgram(path, {
      env: { ...process.env, ...this.#environment(command, target) },
      input: JSON.stringify(config),
      signal,
    });
    if (done.failure === undefined) return done.stdout;
    throw failureOf(`run CNI plugin "${type}" (${command})`, done.stdout, done.failure);
  }

  async #find(type: string): Promise<string> {
    for (const directory of this.directories) {
      const path = join(directory, type);
      const isThere = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return path;
    }
    const where = this.directories.join(", ") || "no directory";
    throw new Fault(
      "failed_precondition",
      `Cannot run CNI plugin "${type}": it is not in ${where} (Debian and Ubuntu: apt-get install containernetworking-plugins)`,
    );
  }

  #environment(command: PluginCommand, target: PluginTarget): Record<string, string> {
    const args = Object.entries(target.args ?? {});
    return {
      CNI_COMMAND: command,
      CNI_CONTAINERID: target.containerId,
      CNI_NETNS: target.netns,
      CNI_IFNAME: target.interfaceName,
      CNI_ARGS: args.map(([name, value]) => `${name}=${value}`).join(";"),
      CNI_PATH: this.directories.join(delimiter),
    };
  }
}

const codes: Readonly<Record<number, FaultCode>> = {
  1: "failed_precondition",
  2: "invalid_argument",
  3: "not_found",
  4: "invalid_argument",
  5: "unavailable",
  6: "invalid_argument",
  7: "invalid_argument",
  11: "unavailable",
  50: "unavailable",
  51: "unavailable",
};

/** What a plugin that failed printed is an object with code, msg and details; without one, its stderr has to do. */
function failureOf(action: string, stdout: string, failure: string): Fault {
  try {
    const printed = parseJson("answer", stdout).required();
    const cniCode = printed.get("code").integer({ min: 0 }) ?? 0;
    const [message, details] = [printed.get("msg").text() ?? "", printed.get("details").text() ?? ""];
    const why = [message, details].filter((one) => one !== "").join("; ");
    const said: PluginFailure = { cniCode };
    return new Fault(codes[cniCode] ?? "unknown", `Cannot ${action}: ${why || failure}`, { details: [said] });
  } catch {
    return new Fault("unknown", `Cannot ${action}: ${failure}`);
  }
}
