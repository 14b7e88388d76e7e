import type { Inflater, Output } from "./inflater.ts";
import { gunzipWithIsaL } from "./isa-l.ts";
import { gunzipWithZlib } from "./zlib.ts";

/** gzip, of several members as well, by the fastest library that is there. @throws {Error} where there is none */
export function gunzip(output?: Output): Inflater {
  return gunzipWithIsaL(output) ?? gunzipWithZlib(output);
}
