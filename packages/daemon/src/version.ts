/** containerd's version whose API this is: clients ask whether features are there by comparing it. */
export const version = "2.3.4+slipway.0.1.0";
/** Of the sources, stamped by the build (scripts/build.ts); run as they are, they have their packages' version alone. */
export const revision = process.env["SLIPWAY_REVISION"] ?? "0.1.0";
