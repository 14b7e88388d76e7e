import type { PlainRequest } from "@slipway/client/mount-request";
import { Fault } from "@slipway/fault/fault";
import { parseSize } from "../../format/size.ts";

/** `--shm-size`. @throws {Fault} `invalid_argument` */
export function sharedMemory(size: string): PlainRequest {
  const bytes = parseSize(size);
  if (!bytes) throw new Fault("invalid_argument", `Cannot read --shm-size "${size}": it is no size`);
  const options = ["nosuid", "noexec", "nodev", "mode=1777", `size=${bytes}`];
  const target = "/dev/shm";
  return { type: "plain", target, mount: { destination: target, type: "tmpfs", source: "shm", options } };
}
