import * as ponyfill from "@whatwg-node/disposablestack";

// Node 22 has the symbols, and these classes only later.
export const DisposableStack = globalThis.DisposableStack ?? ponyfill.DisposableStack;
export const AsyncDisposableStack = globalThis.AsyncDisposableStack ?? ponyfill.AsyncDisposableStack;
