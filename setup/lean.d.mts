export declare const lean: readonly string[];
