import { definePlugin, onePlugin } from "@slipway/core/plugin";
import { FileThreads } from "@slipway/layers/threads";

export const FileThreadsPlugin = onePlugin<FileThreads>("io.slipway.threads.v1");

/** The threads that walk file trees, for all who have to: they start for work, and one that is warm serves the next. */
export const fileThreadsPlugin = definePlugin({
  kind: FileThreadsPlugin,
  id: "files",
  needs: {},
  parseConfig: () => undefined,
  async start() {
    const instance = new FileThreads();
    return { instance, stop: () => instance[Symbol.asyncDispose]() };
  },
});
