export const mop = (): void => {};
