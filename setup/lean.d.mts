export declare const lean: readonly string[];
export declare function leanEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string>;
