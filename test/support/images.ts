import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { TestFolder } from "./folder.ts";
import { output } from "./run.ts";

const applets = [
  ..."sh echo sleep true false cat ls id env pwd hostname mkdir touch rm ps kill wc head dd stty tty".split(
    " ",
  ),
  ..."printf test seq sort ln chmod chown stat mount umount grep tr tail date uname nc".split(" "),
];

/** A root file system of one static busybox. */
export function makeRootfs(path: string): string {
  mkdirSync(join(path, "bin"), { recursive: true });
  for (const name of ["etc", "proc", "sys", "dev", "tmp", "root"])
    mkdirSync(join(path, name), { recursive: true });
  copyFileSync("/bin/busybox", join(path, "bin/busybox"));
  for (const name of applets) symlinkSync("busybox", join(path, "bin", name));
  return path;
}

export interface ImageParts {
  /** Folders that become layers, or tars that are some, the lowest first. */
  readonly layers: readonly string[];
  /** Flags of tar, which writes the layers: all attributes unless told. */
  readonly tar?: readonly string[];
  /** Flags of `umoci config`. */
  readonly config?: readonly string[];
}

/** Makes an image with umoci and pushes it with skopeo to `destination`, such as `docker://127.0.0.1:5000/busybox:latest`. */
export async function makeImage(
  destination: string,
  { layers, tar: flags = ["--xattrs", "--xattrs-include=*"], config = [] }: ImageParts,
): Promise<void> {
  using folder = new TestFolder("image");
  const layout = folder.join("layout");
  const image = `${layout}:image`;
  await output("umoci", ["init", "--layout", layout]);
  await output("umoci", ["new", "--image", image]);
  for (const [index, layer] of layers.entries()) {
    const isTar = layer.endsWith(".tar");
    const tar = isTar ? layer : folder.join(`${index}.tar`);
    if (!isTar) await output("tar", ["--numeric-owner", ...flags, "-C", layer, "-cf", tar, "."]);
    await output("umoci", ["raw", "add-layer", "--image", image, tar]);
  }
  await output("umoci", [
    "config",
    "--image",
    image,
    "--config.cmd",
    "/bin/sh",
    "--config.env",
    "PATH=/bin",
    ...config,
  ]);
  await output("skopeo", [
    "copy",
    "--insecure-policy",
    "--dest-tls-verify=false",
    `oci:${image}`,
    destination,
  ]);
}

/** A small image of busybox, with a second layer on top, at `REGISTRY/busybox:latest`. @returns its name */
export async function pushBusybox(host: string): Promise<string> {
  using folder = new TestFolder("busybox");
  makeRootfs(folder.join("base"));
  mkdirSync(folder.join("top/etc"), { recursive: true });
  await output("sh", [
    "-c",
    'printf "root:x:0:0:root:/root:/bin/sh\\ndaemon:x:1:1::/:/bin/sh\\n" > "$0"',
    folder.join("top/etc/passwd"),
  ]);
  await output("sh", ["-c", 'printf "root:x:0:\\ndaemon:x:1:\\n" > "$0"', folder.join("top/etc/group")]);
  const name = `${host}/busybox:latest`;
  await makeImage(`docker://${name}`, { layers: [folder.join("base"), folder.join("top")] });
  return name;
}
