import type { HttpResponse } from "./http/response.ts";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestOf, parseDigest } from "@slipway/oci/digest";
import { mediaTypes } from "@slipway/oci/media-types";
import { readBody } from "./http/failure.ts";

/** As containerd has it: an index of this size is an attack or a mistake. */
export const maxManifestBytes = 4 * 1048 * 1048;

/** The descriptor of a manifest that was answered. @throws {Fault} `data_loss` when it is not the expected one */
export async function describeManifest(
  response: HttpResponse,
  expected: string | undefined,
): Promise<Descriptor> {
  const body = await readBody(response, maxManifestBytes);
  const digest = digestOf(body);
  if (expected?.startsWith("sha256:") && digest !== expected) {
    throw new Fault("data_loss", `Cannot verify manifest ${expected}: received ${digest}`);
  }
  const header = response.headers["content-type"]?.split(";")[0];
  const { mediaType } = header?.endsWith("json")
    ? {}
    : (JSON.parse(body.toString()) as { mediaType?: string });
  return {
    mediaType: mediaType ?? header ?? mediaTypes.ociManifest,
    digest: expected === undefined ? digest : parseDigest(expected),
    size: body.length,
  };
}
