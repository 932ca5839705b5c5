export interface RegexPrefix {
  readonly prefix: string;
  readonly exact: boolean;
}
export function regexPrefix(_regex: RegExp): RegexPrefix | undefined {
  return undefined;
}
