import type { Any } from "../any.ts";

/** Objects in both directions between a client and whatever in the daemon was told the stream's name. */
export interface ObjectStream {
  /** Resolves when the other side can take more. */
  send(value: Any): Promise<void>;
  /** Nothing when the other side has ended. */
  receive(): Promise<Any | undefined>;
  /** Ends it after what was sent. */
  close(): void;
}

/** Keeps streams by name until who opened them leaves. Defined by containerd's core/streaming. */
export interface StreamManager {
  /** Leaving the scope forgets the name. @throws {Fault} `already_exists` */
  register(namespace: string, name: string, stream: ObjectStream): Disposable;
  /** @throws {Fault} `not_found` */
  get(namespace: string, name: string): ObjectStream;
}
