import {
  AuthRequestSchema,
  type AuthResponseSchema as AuthResponse,
  AuthResponseSchema,
  AuthType,
  ImageExportStreamSchema,
  ImageImportStreamSchema,
  ImageStoreSchema,
  OCIRegistrySchema,
} from "@slipway/api/containerd/types/transfer/transfer_pb";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@slipway/core/any";
import type { ObjectStream } from "@slipway/core/streaming";
import type { ImageStoreEnd, RegistryCredentials, RegistryEnd, TransferEnd } from "@slipway/core/transfer";
import type { Platform } from "@slipway/oci/platform";
import { packAny, receiveBytes, sendBytes, unpackAny } from "./byte-streams.ts";

type Open = (prefix: string) => Promise<{ readonly id: string; readonly stream: ObjectStream }>;

/** A registry as an end, with what is usual. */
export function registry(reference: string, options: Partial<RegistryEnd> = {}): RegistryEnd {
  return { kind: "registry", reference, headers: {}, ...options };
}

/** The daemon's image store as an end, with what is usual. */
export function imageStore(name: string, options: Partial<ImageStoreEnd> = {}): ImageStoreEnd {
  return {
    kind: "image store",
    name,
    labels: {},
    platforms: [],
    allMetadata: false,
    manifestLimit: 0,
    extraReferences: [],
    unpacks: [],
    ...options,
  };
}

/** An end as the daemon is told of it. What it needs of us meanwhile is given to `during`. */
export async function toMessage(
  end: TransferEnd,
  open: Open,
  during: (part: Promise<void>) => void,
): Promise<Any> {
  switch (end.kind) {
    case "registry": {
      const { reference, headers, hostsDirectory = "", defaultScheme = "", credentials } = end;
      const auth = credentials ? await open("creds") : undefined;
      // The daemon may ask until the transfer ends; it is not waited for.
      if (auth && credentials) answer(auth.stream, credentials).catch(() => {});
      const resolver = { headers: { ...headers }, hostDir: hostsDirectory, defaultScheme };
      return packAny(OCIRegistrySchema, {
        reference,
        resolver: { ...resolver, authStream: auth?.id ?? "" },
      });
    }
    case "image store": {
      const { name, labels, allMetadata, manifestLimit, extraReferences, unpacks, platforms } = end;
      return packAny(ImageStoreSchema, {
        name,
        labels: { ...labels },
        allMetadata,
        manifestLimit,
        extraReferences: [...extraReferences],
        platforms: platforms.map(toPlatform),
        unpacks: unpacks.map(({ platform, snapshotter }) => ({
          platform: toPlatform(platform),
          snapshotter,
        })),
      });
    }
    case "import stream": {
      const { id, stream } = await open("import");
      during(sendBytes(stream, end.bytes));
      const { mediaType, forceCompress } = end;
      return packAny(ImageImportStreamSchema, { stream: id, mediaType, forceCompress });
    }
    case "export stream": {
      const { id, stream } = await open("export");
      during(end.write(receiveBytes(stream)));
      const { mediaType, allPlatforms, skipCompatibilityManifest, skipNonDistributable } = end;
      return packAny(ImageExportStreamSchema, {
        stream: id,
        mediaType,
        platforms: end.platforms.map(toPlatform),
        allPlatforms,
        skipCompatibilityManifest,
        skipNonDistributable,
      });
    }
  }
}

/** Answers the daemon's questions for credentials until it has no more. */
async function answer(
  stream: ObjectStream,
  credentials: NonNullable<RegistryEnd["credentials"]>,
): Promise<void> {
  try {
    for (let any = await stream.receive(); any; any = await stream.receive()) {
      const request = unpackAny(AuthRequestSchema, any);
      if (request)
        await stream.send(packAny(AuthResponseSchema, toResponse(await credentials(request.host))));
    }
  } finally {
    stream.close();
  }
}

function toResponse(found: RegistryCredentials | undefined): MessageInitShape<typeof AuthResponse> {
  switch (found?.kind) {
    case undefined:
      return { authType: AuthType.NONE };
    case "password":
      return { authType: AuthType.CREDENTIALS, username: found.username, secret: found.password };
    case "identity-token":
      return { authType: AuthType.REFRESH, secret: found.token };
    case "header":
      return { authType: AuthType.HEADER, secret: found.value };
  }
}

function toPlatform({ os, architecture, variant = "" }: Platform): {
  os: string;
  architecture: string;
  variant: string;
} {
  return { os, architecture, variant };
}
