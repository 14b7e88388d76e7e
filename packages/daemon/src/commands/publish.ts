import { buffer } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { connect } from "@slipway/client/connect";
import { fromAny } from "@slipway/client/messages";
import type { Any } from "@slipway/core/any";
import { Fault, messageOf } from "@slipway/fault/fault";
import { longForm } from "../flags.ts";

/**
 * `slipwayd --address SOCKET publish --namespace NS --topic TOPIC`: hands an event from a shim to the daemon. Standard
 * input is a google.protobuf.Any in its binary form: containerd's cmd/containerd/command/publish.go.
 * @throws {Fault} `invalid_argument` without a topic, or when the input is no such message
 */
export async function publishCommand(args: readonly string[], address: string): Promise<void> {
  const options = { namespace: { type: "string" }, topic: { type: "string" } } as const;
  const { namespace, topic } = parseArgs({ args: args.map(longForm), options }).values;
  if (!topic) throw new Fault("invalid_argument", "topic required to publish event: invalid argument");
  const event = await readEvent();
  await using client = connect({ address, ...(namespace ? { namespace } : {}) });
  await client.events.publish(topic, event);
}

async function readEvent(): Promise<Any> {
  const bytes = await buffer(process.stdin);
  try {
    return fromAny(fromBinary(AnySchema, bytes));
  } catch (error) {
    throw new Fault("invalid_argument", `Cannot read the event: ${messageOf(error)}`, { cause: error });
  }
}
