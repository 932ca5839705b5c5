export const map = (batch: unknown[]): number => batch.length;
