/** A type of the pipeline language, and the type that its values have here. */
export interface Type<T> {
  /** As the pipeline language writes it. */
  readonly text: string;
  /** Only for the type checker. */
  readonly _value?: T;
}

/** The values of a type. */
export type ValueOf<Of> = Of extends Type<infer T> ? T : never;

/** The values of a record of types. */
export type Values<Fields extends Record<string, Type<unknown>>> = {
  [Name in keyof Fields]: ValueOf<Fields[Name]>;
};

/** Types of the pipeline language. */
export declare const t: {
  readonly string: Type<string>;
  readonly int: Type<number>;
  readonly float: Type<number>;
  readonly boolean: Type<boolean>;
  literal<const Texts extends readonly string[]>(...texts: Texts): Type<Texts[number]>;
  list<T>(of: Type<T>): Type<T[]>;
  map<T>(of: Type<T>): Type<Record<string, T>>;
  optional<T>(of: Type<T>): Type<T | null>;
  union<const Members extends readonly Type<unknown>[]>(
    ...members: Members
  ): Type<ValueOf<Members[number]>>;
  record<const Fields extends Record<string, Type<unknown>>>(fields: Fields): Type<Values<Fields>>;
};

/** The call that is being answered. */
export interface Call {
  /** The same for every attempt, also after a crash: what was done under it is done. */
  readonly key: string;
  /** From 1. */
  readonly attempt: number;
  /** How long somebody waits for the answer, in milliseconds. */
  readonly deadlineMs: number;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** What a module is, beside its name. */
export interface Declaration<Inputs extends Record<string, Type<unknown>>, Output> {
  /** Its parameters, in order. */
  readonly inputs: Inputs;
  /** What it gives. */
  readonly output: Type<Output>;
  /** What a call may do; `read` if not given. */
  readonly effect?: "pure" | "read" | "write";
  /** One line for people. */
  readonly doc?: string;
}

/** A failure that the pipeline sees. With `retryable` another attempt may succeed. */
export declare class ModuleError extends Error {
  constructor(message: string, options?: { retryable?: boolean });
  readonly retryable: boolean;
}

/** Modules, and the loop that answers calls of them. */
export declare class Worker {
  /** Declares a module; `run` gets the inputs and the call. */
  module<const Inputs extends Record<string, Type<unknown>>, Output>(
    name: string,
    declaration: Declaration<Inputs, Output>,
    run: (inputs: Values<Inputs>, call: Call) => Output | Promise<Output>,
  ): this;
  /** Answers calls until there are no more requests. */
  serve(streams?: {
    input?: NodeJS.ReadableStream;
    output?: NodeJS.WritableStream;
  }): Promise<void>;
}
