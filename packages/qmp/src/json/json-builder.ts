import type { JsonValue } from './json-value.ts';
import { readFloat, readInteger, readKeyword, readString } from './json-scalar.ts';
import { Token, type TokenKind } from './lexer-table.ts';

/** A value that is being read, with what it still lacks. */
type Container =
  | { readonly kind: 'object'; readonly members: Map<string, JsonValue>; key: string | undefined; expects: 'first key' | 'key' | 'colon' | 'value' | 'separator' }
  | { readonly kind: 'array'; readonly elements: JsonValue[]; expects: 'first value' | 'value' | 'separator' };

/** A token where no such token can be; the message is QEMU's. */
export class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem';
}

/** Builds one JSON value from its tokens. */
export class JsonBuilder {
  readonly #stack: Container[] = [];

  /**
   * Takes the next token; returns the value when it is complete.
   * @throws SyntaxProblem or ScalarError, after which it has to be thrown away
   */
  token(kind: TokenKind, bytes: Uint8Array): { readonly value: JsonValue } | undefined {
    const top = this.#stack.at(-1);
    if (top?.kind === 'object' && top.expects !== 'value') return this.#inObject(top, kind, bytes);
    if (top?.kind === 'array') {
      if (kind === Token.ArrayEnd && top.expects !== 'value') return this.#close(top.elements);
      if (top.expects === 'separator') {
        if (kind !== Token.Comma) throw new SyntaxProblem("expected ',' or ']'");
        top.expects = 'value';
        return undefined;
      }
    }
    return this.#value(kind, bytes);
  }

  #inObject(top: Container & { readonly kind: 'object' }, kind: TokenKind, bytes: Uint8Array): { readonly value: JsonValue } | undefined {
    switch (top.expects) {
      case 'first key':
      case 'key':
        if (kind === Token.ObjectEnd && top.expects === 'first key') return this.#close({});
        if (kind !== Token.String) throw new SyntaxProblem('expecting key');
        top.key = readString(bytes);
        top.expects = 'colon';
        return undefined;
      case 'colon':
        if (kind !== Token.Colon) throw new SyntaxProblem("expecting ':'");
        top.expects = 'value';
        return undefined;
      case 'separator':
        // From entries, so that a key such as __proto__ is a member like any other.
        if (kind === Token.ObjectEnd) return this.#close(Object.fromEntries(top.members));
        if (kind !== Token.Comma) throw new SyntaxProblem("expected ',' or '}'");
        top.expects = 'key';
        return undefined;
      case 'value':
        return this.#value(kind, bytes);
    }
  }

  #value(kind: TokenKind, bytes: Uint8Array): { readonly value: JsonValue } | undefined {
    switch (kind) {
      case Token.ObjectStart:
        this.#stack.push({ kind: 'object', members: new Map(), key: undefined, expects: 'first key' });
        return undefined;
      case Token.ArrayStart:
        this.#stack.push({ kind: 'array', elements: [], expects: 'first value' });
        return undefined;
      case Token.String:
        return this.#complete(readString(bytes));
      case Token.Integer:
        return this.#complete(readInteger(bytes));
      case Token.Float:
        return this.#complete(readFloat(bytes));
      case Token.Keyword:
        return this.#complete(readKeyword(bytes));
      case Token.ObjectEnd:
      case Token.ArrayEnd:
      case Token.Colon:
      case Token.Comma:
        throw new SyntaxProblem('expecting value');
    }
  }

  #close(value: JsonValue): { readonly value: JsonValue } | undefined {
    this.#stack.pop();
    return this.#complete(value);
  }

  #complete(value: JsonValue): { readonly value: JsonValue } | undefined {
    const top = this.#stack.at(-1);
    if (top === undefined) return { value };
    if (top.kind === 'array') top.elements.push(value);
    else {
      const key = top.key ?? '';
      if (top.members.has(key)) throw new SyntaxProblem('duplicate key');
      top.members.set(key, value);
    }
    top.expects = 'separator';
    return undefined;
  }
}
