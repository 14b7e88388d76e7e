import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventFilters } from "./event-filters.ts";

const idOf = async (name: string): Promise<string> => `id-of-${name}`;

describe("eventFilters", () => {
  for (const [filters, wanted] of [
    [[], [""]],
    [
      ["event=start", "event=die"],
      ['topic~="/start$"', 'topic~="/exit$"'],
    ],
    [
      ["container=web", "event=die"],
      ['event.container_id==id-of-web,topic~="/exit$"', 'event.id==id-of-web,topic~="/exit$"'],
    ],
    [["type=container"], ['topic~="^/(containers|tasks)/"']],
    [
      ['topic=="/tasks/exit"', "namespace==x"],
      ['topic=="/tasks/exit"', "namespace==x"],
    ],
  ] as const) {
    it(`makes ${JSON.stringify(wanted)} of ${JSON.stringify(filters)}`, async () =>
      assert.deepEqual(await eventFilters(filters, idOf), wanted));
  }
});
