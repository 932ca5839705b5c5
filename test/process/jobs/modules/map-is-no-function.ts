export const map = 5;
