import { readdir } from "node:fs/promises";
import type { Judgement } from "@slipway/core/image-verifiers";
import { definePlugin, type Logger } from "@slipway/core/plugin";
import { ImageVerifierPlugin } from "@slipway/core/plugin-kinds";
import { Fault, messageOf } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { join } from "node:path";

interface BindirConfig {
  readonly binDir: string;
  /** A negative number is no limit. */
  readonly maxVerifiers: number;
  readonly timeoutMs: number;
}

/** Asks every program of a folder whether an image may come in: containerd's pkg/imageverifier/bindir. */
export const bindirVerifierPlugin = definePlugin({
  kind: ImageVerifierPlugin,
  id: "bindir",
  needs: {},
  parseConfig: (table): BindirConfig => ({
    binDir: table.string("bin_dir", "/opt/containerd/image-verifier/bin"),
    maxVerifiers: table.integer("max_verifiers", 10),
    timeoutMs: table.duration("per_verifier_timeout", "10s"),
  }),
  async start(_provided, config, { log }) {
    return {
      instance: { verify: (name, target, signal) => askAll(config, name, target, log, signal) },
    };
  },
});

async function askAll(
  { binDir, maxVerifiers, timeoutMs }: BindirConfig,
  name: string,
  target: Descriptor,
  log: Logger,
  signal: AbortSignal | undefined,
): Promise<Judgement> {
  const programs = await list(binDir);
  if (!programs) return { ok: true, reason: `image verifier directory ${binDir} does not exist` };
  if (programs.length === 0) return { ok: true, reason: `no image verifier binaries found in ${binDir}` };
  const asked = maxVerifiers < 0 ? programs : programs.slice(0, maxVerifiers);
  if (asked.length < programs.length) {
    log.warn("image verifiers are skipped: there are more than max_verifiers", { binDir, maxVerifiers });
  }
  const { runVerifier } = await import("./run-verifier.ts");
  const reasons: string[] = [];
  for (const program of asked) {
    const onError = (line: string): void => log.debug(line, { image_verifier: program, stream: "stderr" });
    try {
      const options = { timeoutMs, onError, ...(signal ? { signal } : {}) };
      const { exitCode, reason } = await runVerifier(join(binDir, program), name, target, options);
      if (exitCode !== 0) {
        const why = `verifier ${program} rejected image (exit code ${exitCode}): ${reason}`;
        return { ok: false, reason: why };
      }
      reasons.push(`${program} => ${reason}`);
    } catch (error) {
      throw new Fault("unknown", `failed to call verifier ${program}: ${messageOf(error)}`, { cause: error });
    }
  }
  return { ok: true, reason: reasons.join(", ") };
}

async function list(directory: string): Promise<string[] | undefined> {
  try {
    return (await readdir(directory)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
