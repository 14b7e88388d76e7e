import { definePlugin } from "@slipway/core/plugin";
import { EventPlugin } from "@slipway/core/plugin-kinds";
import { Exchange } from "./exchange.ts";

/** The daemon's event exchange. */
export const exchangePlugin = definePlugin({
  kind: EventPlugin,
  id: "exchange",
  needs: {},
  parseConfig: () => undefined,
  start: async () => ({ instance: new Exchange() }),
});
