import { definePlugin } from "@slipway/core/plugin";
import { StreamingPlugin } from "@slipway/core/plugin-kinds";
import type { ObjectStream, StreamManager } from "@slipway/core/streaming";
import { Fault } from "@slipway/fault/fault";

/** Keeps the streams of calls that are under way. */
export const streamingPlugin = definePlugin({
  kind: StreamingPlugin,
  id: "manager",
  needs: {},
  parseConfig: () => undefined,
  start: async () => ({ instance: new Streams() }),
});

class Streams implements StreamManager {
  readonly #streams = new Map<string, ObjectStream>();

  register(namespace: string, name: string, stream: ObjectStream): Disposable {
    const key = `${namespace}/${name}`;
    if (this.#streams.has(key)) throw new Fault("already_exists", `stream "${name}": already exists`);
    this.#streams.set(key, stream);
    return { [Symbol.dispose]: () => void this.#streams.delete(key) };
  }

  get(namespace: string, name: string): ObjectStream {
    const stream = this.#streams.get(`${namespace}/${name}`);
    if (stream) return stream;
    throw new Fault("not_found", `stream "${name}": not found`);
  }
}
