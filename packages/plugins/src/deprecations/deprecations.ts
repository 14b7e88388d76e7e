import { Deprecations } from "@slipway/core/deprecations";
import { definePlugin } from "@slipway/core/plugin";
import { WarningPlugin } from "@slipway/core/plugin-kinds";

/** What introspection lists as deprecated: containerd's plugins/services/warning. */
export const deprecationsPlugin = definePlugin({
  kind: WarningPlugin,
  id: "deprecations",
  needs: {},
  parseConfig: () => undefined,
  start: async () => ({ instance: new Deprecations() }),
});
