/** Slipway's own version, as its packages have it. */
export const version = "0.1.0";
