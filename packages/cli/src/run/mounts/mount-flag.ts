import { resolve } from "node:path";
import { type MountRequest, parseTarget } from "@slipway/client/mount-request";
import { parseVolumeName } from "@slipway/core/volumes";
import { parseSize } from "../../format/size.ts";
import { keyValues } from "../key-values.ts";
import { bindOptions, propagations } from "./bind-options.ts";
import { MountFields } from "./mount-fields.ts";
import { refuseMount } from "./refuse-mount.ts";
import { tmpfsAt } from "./tmpfs-flag.ts";

/**
 * Docker's `--mount type=bind|volume|tmpfs,source=...,target=...`. The type is volume by default.
 * @throws {Fault} `invalid_argument`
 */
export function mountRequest(text: string): MountRequest {
  const fields = new MountFields(text);
  const type = fields.oneOf("type", ["bind", "volume", "tmpfs"]) ?? "volume";
  fields.refuseOthers(type);
  fields.oneOf("consistency", ["consistent", "cached", "delegated", "default"]);
  const target = parseTarget(fields.text("target") ?? refuseMount(text, "it has no target"));
  if (type === "bind") return bindRequest(text, fields, target);
  return type === "volume" ? namedRequest(text, fields, target) : tmpfsRequest(text, fields, target);
}

function bindRequest(text: string, fields: MountFields, target: string): MountRequest {
  const source = fields.text("source") ?? refuseMount(text, "a bind has a source");
  const readOnly = fields.isSet("readonly");
  const propagation = fields.oneOf("bind-propagation", [...propagations]);
  const recursive =
    fields.oneOf("bind-recursive", ["enabled", "disabled", "writable", "readonly"]) ?? "enabled";
  if (recursive === "readonly" && !(readOnly && propagation === "rprivate")) {
    refuseMount(text, "bind-recursive=readonly needs readonly and bind-propagation=rprivate");
  }
  const isFlat = recursive === "disabled" || fields.isSet("bind-nonrecursive");
  const access = !readOnly ? "rw" : recursive === "readonly" ? "rro" : "ro";
  const options = bindOptions({ access, isFlat, ...(propagation ? { propagation } : {}) });
  return { type: "bind", target, source: resolve(source), options, createsSource: false };
}

function namedRequest(text: string, fields: MountFields, target: string): MountRequest {
  const source = fields.text("source");
  const driver = fields.text("volume-driver") ?? "local";
  if (driver !== "local") refuseMount(text, `there is no volume driver "${driver}", only local`);
  return {
    type: "volume",
    target,
    name: source === undefined ? undefined : parseVolumeName(source),
    readOnly: fields.isSet("readonly"),
    copiesUp: !fields.isSet("volume-nocopy"),
    labels: keyValues(fields.texts("volume-label")),
  };
}

function tmpfsRequest(text: string, fields: MountFields, target: string): MountRequest {
  if (fields.text("source") !== undefined) refuseMount(text, "a tmpfs has no source");
  const [size, mode] = [fields.text("tmpfs-size"), fields.text("tmpfs-mode")];
  const bytes =
    size === undefined
      ? undefined
      : (parseSize(size) ?? refuseMount(text, `tmpfs-size "${size}" is no size`));
  if (mode !== undefined && !/^[0-7]{1,5}$/.test(mode))
    refuseMount(text, `tmpfs-mode "${mode}" is no octal number`);
  return tmpfsAt(target, [
    ...(fields.isSet("readonly") ? ["ro"] : []),
    ...(bytes === undefined ? [] : [`size=${bytes}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ]);
}
