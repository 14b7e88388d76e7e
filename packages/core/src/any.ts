/** An opaque message with its type: kept and handed on, not understood here. */
export interface Any {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}
