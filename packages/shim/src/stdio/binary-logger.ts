import { spawn } from "node:child_process";
import { closeSync, createReadStream } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { makePipe } from "@slipway/linux/pipe";

/** A logging program that runs. Both descriptors are the caller's to close. */
interface Logger {
  /** What is written here it logs as the container's output. */
  readonly stdout: number;
  readonly stderr: number;
  /** Tells it to end though its streams may go on. */
  readonly end: () => void;
}

/**
 * Starts a logging program (`binary:///path?key=value`): it reads the container's output on descriptors 3 and 4
 * and closes 5 when it is ready. What it must do: containerd, core/runtime/v2/README.md, "Logging".
 */
export async function startLogger(
  uri: URL,
  container: { readonly id: string; readonly namespace: string },
): Promise<Logger> {
  const [out, err, ready] = [makePipe(), makePipe(), makePipe()];
  const args = [...uri.searchParams].flatMap(([key, value]) => (value === "" ? [key] : [key, value]));
  const child = spawn(decodeURIComponent(uri.pathname), args, {
    env: { ...process.env, CONTAINER_ID: container.id, CONTAINER_NAMESPACE: container.namespace },
    stdio: ["ignore", "ignore", "ignore", out.read, err.read, ready.write],
  });
  for (const fd of [out.read, err.read, ready.write]) closeSync(fd);
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (error) =>
      reject(new Fault("unknown", `failed to start binary process: ${error.message}`)),
    );
  });
  failed.catch(() => undefined);
  try {
    const bytes = await Promise.race([failed, countUntilEnd(ready.read)]);
    if (uri.protocol === "binary-v2:" && bytes === 0) {
      const why = "logging binary did not call ready (it may have crashed or exited prematurely)";
      throw new Fault("unknown", why);
    }
  } catch (error) {
    for (const fd of [out.write, err.write]) closeSync(fd);
    throw error;
  }
  return { stdout: out.write, stderr: err.write, end: () => void child.kill("SIGTERM") };
}

async function countUntilEnd(fd: number): Promise<number> {
  let bytes = 0;
  for await (const chunk of createReadStream("", { fd })) {
    bytes += (chunk as Buffer).length;
    break;
  }
  return bytes;
}
