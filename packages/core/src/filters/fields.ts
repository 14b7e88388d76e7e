import type { Container } from "../containers/containers.ts";
import type { ContentInfo, IngestStatus } from "../content/content.ts";
import type { Image } from "../images/images.ts";
import type { PluginReport } from "../introspection/introspection.ts";
import type { Labels } from "../labels.ts";
import type { Lease } from "../leases/leases.ts";
import type { SnapshotInfo } from "../snapshots/snapshots.ts";
import type { FieldReader } from "./filters.ts";

/*
 * What filters can ask of each object. Defined by containerd's core/metadata/adaptors.go, core/content/adaptor.go and
 * plugins/services/introspection/local.go.
 */

export function imageFields({ name, labels, target }: Image): FieldReader {
  return ([field, ...rest]) => {
    switch (field) {
      case "name":
        return present(name);
      case "target":
        if (rest[0] === "digest") return present(target.digest);
        return rest[0] === "mediatype" ? present(target.mediaType) : undefined;
      case "labels":
        return label(labels, rest);
      case "annotations":
        return label(target.annotations ?? {}, rest);
      default:
        return undefined;
    }
  };
}

export function containerFields({ id, runtime, image, labels }: Container): FieldReader {
  return ([field, ...rest]) => {
    switch (field) {
      case "id":
        return present(id);
      case "runtime":
        return rest[0] === "name" ? present(runtime.name) : undefined;
      case "image":
        return present(image);
      case "labels":
        return label(labels, rest);
      default:
        return undefined;
    }
  };
}

export function contentFields({ digest, labels }: Pick<ContentInfo, "digest" | "labels">): FieldReader {
  return ([field, ...rest]) => {
    if (field === "digest") return digest;
    return field === "labels" ? label(labels, rest) : undefined;
  };
}

export function ingestFields({ ref }: Pick<IngestStatus, "ref">): FieldReader {
  return ([field]) => (field === "ref" ? ref : undefined);
}

export function leaseFields({ id, labels }: Lease): FieldReader {
  return ([field, ...rest]) => {
    if (field === "id") return present(id);
    return field === "labels" ? label(labels, rest) : undefined;
  };
}

export function snapshotFields({ kind, name, parent, labels }: SnapshotInfo): FieldReader {
  return ([field, ...rest]) => {
    switch (field) {
      case "kind":
        return kind;
      case "name":
        return name;
      case "parent":
        return parent;
      case "labels":
        return label(labels, rest);
      default:
        return undefined;
    }
  };
}

export function pluginFields({ type, id, platforms, capabilities }: PluginReport): FieldReader {
  return ([field, ...rest]) => {
    switch (field) {
      case "type":
        return present(type);
      case "id":
        return present(id);
      case "platforms":
        // containerd answers a question for any platform with the first one's.
        return platforms[0] && `${platforms[0].os}/${platforms[0].architecture}`;
      case "capabilities":
        return capabilities.includes(rest.join(".")) ? "true" : undefined;
      default:
        return undefined;
    }
  };
}

/** The label whose name is the rest of the path. */
export function label(labels: Labels, path: readonly string[]): string | undefined {
  const name = path.join(".");
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}

function present(value: string): string | undefined {
  return value === "" ? undefined : value;
}
