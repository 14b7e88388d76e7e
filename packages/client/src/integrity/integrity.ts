import {
  type Damage as DamageMessage,
  Integrity,
} from "@slipway/api/slipway/services/integrity/v1/integrity_pb";
import type { CheckedImage, Damage } from "@slipway/core/integrity";
import { parseDigest } from "@slipway/oci/digest";
import type { Calls } from "../connect/calls.ts";

/** Has the daemon read its images again. One that is not slipwayd answers `unimplemented`. */
export class RemoteIntegrity {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** As IntegrityChecker.check(), in the client's namespace. */
  async *check(names: readonly string[] = [], signal?: AbortSignal): AsyncGenerator<CheckedImage> {
    const answers = this.#calls.serverStream(Integrity.method.check, { names: [...names] }, signal);
    for await (const { name, damages } of answers) yield { name, damages: damages.map(fromMessage) };
  }
}

function fromMessage({ kind, digest, snapshotter, reason }: DamageMessage): Damage {
  return { kind: kind === "layer" ? "layer" : "blob", digest: parseDigest(digest), snapshotter, reason };
}
