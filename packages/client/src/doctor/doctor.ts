import {
  Doctor as DoctorService,
  type Leak as LeakMessage,
} from "@slipway/api/slipway/services/doctor/v1/doctor_pb";
import type { Doctor, FindLeaksOptions, Leak, LeakKind, RepairedLeak } from "@slipway/core/doctor";
import { Fault, hasCode } from "@slipway/fault/fault";
import { required } from "../connect/messages.ts";
import type { Calls } from "../connect/calls.ts";

/** The daemon's doctor, of all namespaces. One that is not slipwayd has none, and fails with `unimplemented`. */
export class RemoteDoctor implements Doctor {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async examine({ leastAgeMs }: FindLeaksOptions): Promise<Leak[]> {
    const request = { leastAgeMs: BigInt(leastAgeMs) };
    const { leaks } = await oursOnly(this.#calls.unary(DoctorService.method.examine, request));
    return leaks.map(fromMessage);
  }

  async repair(ids: readonly string[], { leastAgeMs }: FindLeaksOptions): Promise<RepairedLeak[]> {
    const request = { ids: [...ids], leastAgeMs: BigInt(leastAgeMs) };
    const { leaks } = await oursOnly(this.#calls.unary(DoctorService.method.repair, request));
    return leaks.map(({ leak, failure }) => ({
      leak: fromMessage(required(leak, "leak")),
      ...(failure === "" ? {} : { failure }),
    }));
  }
}

async function oursOnly<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!hasCode(error, "unimplemented")) throw error;
    throw new Fault("unimplemented", "Cannot examine this daemon: only slipwayd has a doctor", {
      cause: error,
    });
  }
}

function fromMessage({ id, kind, namespace, where, reason, isAlive }: LeakMessage): Leak {
  return { id, kind: kind as LeakKind, namespace, where, reason, isAlive };
}
