import {
  AuthRequestSchema,
  AuthResponseSchema,
  AuthType,
  ImageExportStreamSchema,
  ImageImportStreamSchema,
  ImageStoreSchema,
  OCIRegistrySchema,
  type RegistryResolver,
} from "@slipway/api/containerd/types/transfer/transfer_pb";
import type { Platform as PlatformMessage } from "@slipway/api/containerd/types/types_pb";
import { packAny, receiveBytes, sendBytes, unpackAny } from "@slipway/client/byte-streams";
import type { Any } from "@slipway/core/any";
import type { ObjectStream } from "@slipway/core/streaming";
import type { ImageStoreEnd, RegistryCredentials, RegistryEnd, TransferEnd } from "@slipway/core/transfer";
import { Fault } from "@slipway/fault/fault";
import { hostPlatform, normalizePlatform, type Platform } from "@slipway/oci/platform";

type FindStream = (name: string) => ObjectStream;

/** A source or destination with the streams that it names. @throws {Fault} `unimplemented` for a type that is not known */
export function toEnd(any: Any, find: FindStream): TransferEnd {
  const registry = unpackAny(OCIRegistrySchema, any);
  if (registry) return toRegistry(registry.reference, registry.resolver, find);
  const store = unpackAny(ImageStoreSchema, any);
  if (store) return toImageStore(store);
  const incoming = unpackAny(ImageImportStreamSchema, any);
  if (incoming) {
    const { stream, mediaType, forceCompress } = incoming;
    return { kind: "import stream", bytes: receiveBytes(find(stream)), mediaType, forceCompress };
  }
  const outgoing = unpackAny(ImageExportStreamSchema, any);
  if (outgoing) {
    const { mediaType, allPlatforms, skipCompatibilityManifest, skipNonDistributable } = outgoing;
    const stream = find(outgoing.stream);
    return {
      kind: "export stream",
      mediaType,
      platforms: outgoing.platforms.map(toPlatform),
      allPlatforms,
      skipCompatibilityManifest,
      skipNonDistributable,
      write: (bytes) => sendBytes(stream, bytes),
    };
  }
  throw new Fault("unimplemented", `unable to transfer ${any.typeUrl}: not implemented`);
}

function toRegistry(
  reference: string,
  resolver: RegistryResolver | undefined,
  find: FindStream,
): RegistryEnd {
  const { authStream = "", headers = {}, hostDir = "", defaultScheme = "" } = resolver ?? {};
  if (defaultScheme !== "" && defaultScheme !== "http" && defaultScheme !== "https") {
    throw new Fault("invalid_argument", `default scheme "${defaultScheme}": neither http nor https`);
  }
  return {
    kind: "registry",
    reference,
    headers,
    ...(hostDir === "" ? {} : { hostsDirectory: hostDir }),
    ...(defaultScheme === "" ? {} : { defaultScheme }),
    ...(authStream === "" ? {} : { credentials: askClient(reference, find(authStream)) }),
  };
}

/** Asks the client, one question at a time: answers do not say what they answer. */
function askClient(
  reference: string,
  stream: ObjectStream,
): (host: string) => Promise<RegistryCredentials | undefined> {
  let before: Promise<unknown> = Promise.resolve();
  const ask = async (host: string): Promise<RegistryCredentials | undefined> => {
    await stream.send(packAny(AuthRequestSchema, { host, reference }));
    const any = await stream.receive();
    const answer = any && unpackAny(AuthResponseSchema, any);
    if (!answer) throw new Fault("unauthenticated", `the client gave no credentials for ${host}`);
    const { authType, username, secret } = answer;
    switch (authType) {
      case AuthType.CREDENTIALS:
        return { kind: "password", username, password: secret };
      case AuthType.REFRESH:
        return secret === "" ? undefined : { kind: "identity-token", token: secret };
      case AuthType.HEADER:
        return { kind: "header", value: secret };
      default:
        return undefined;
    }
  };
  return (host) => {
    const answer = before.then(() => ask(host));
    before = answer.catch(() => {});
    return answer;
  };
}

function toImageStore(
  message: NonNullable<ReturnType<typeof unpackAny<typeof ImageStoreSchema>>>,
): ImageStoreEnd {
  const { name, labels, allMetadata, manifestLimit, extraReferences } = message;
  return {
    kind: "image store",
    name,
    labels,
    allMetadata,
    manifestLimit,
    platforms: message.platforms.map(toPlatform),
    extraReferences: extraReferences.map(
      ({ name, isPrefix, allowOverwrite, addDigest, skipNamedDigest }) => ({
        name,
        isPrefix,
        allowOverwrite,
        addDigest,
        skipNamedDigest,
      }),
    ),
    unpacks: message.unpacks.map(({ platform, snapshotter }) => ({
      platform: platform && platform.os !== "" ? toPlatform(platform) : hostPlatform(),
      snapshotter,
    })),
  };
}

function toPlatform({ os, architecture, variant }: PlatformMessage): Platform {
  return normalizePlatform({ os, architecture, ...(variant === "" ? {} : { variant }) });
}
