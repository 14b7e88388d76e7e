import { definePlugin } from "@slipway/core/plugin";
import { EventPlugin } from "@slipway/core/plugin-kinds";
import { Exchange } from "./exchange.ts";
import { Journal } from "./journal.ts";
import { SafeJournal } from "./safe-journal.ts";

/** The daemon's event exchange. */
export const exchangePlugin = definePlugin({
  kind: EventPlugin,
  id: "exchange",
  needs: {},
  parseConfig: (table) => ({
    /** What the journal may have in bytes; 0: nothing is kept. */
    journalBytes: table.integer("journal_bytes", 2 * 1024 * 1024, { least: 0 }),
  }),
  async start(_, { journalBytes }, { stateDir, log }) {
    if (journalBytes === 0) return { instance: new Exchange() };
    const journal = new SafeJournal(new Journal(stateDir, journalBytes), log);
    return { instance: new Exchange(journal), stop: async () => journal.close() };
  },
});
