/** How many times slower than a machine this one may be: 1 unless told, 10 in an emulated guest. */
export const patience = Number(process.env["TEST_PATIENCE"] ?? 1);
