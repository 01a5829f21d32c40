import ts from 'typescript';

/** A module made to say where it goes. */
export interface Instrumented {
  readonly code: string;
  /** How many points it has. */
  readonly points: number;
}

/** Allocations whose size may come from an input. */
const ALLOCATING_CLASSES: ReadonlySet<string> = new Set(['Array', 'ArrayBuffer', 'Float64Array', 'Uint8Array', 'Uint16Array', 'Uint32Array']);
const ALLOCATING_METHODS: ReadonlySet<string> = new Set(['alloc', 'allocUnsafe', 'concat', 'from', 'padEnd', 'padStart', 'repeat']);

const LONGEST_LITERAL = 40;
const POINTS = 2 ** 20;

/**
 * Adds a call of `hit` wherever control may branch, and of `made` around allocations, without moving a line. `file` gives
 * the points their numbers; `coverage` is the specifier of the module that has both.
 */
export function instrument(source: string, file: string, coverage: string): Instrumented {
  const instrumenter = new Instrumenter(source, file);
  instrumenter.visit(instrumenter.tree);
  return instrumenter.finish(coverage);
}

class Instrumenter {
  readonly tree: ts.SourceFile;
  readonly #source: string;
  readonly #base: number;
  readonly #literals = new Set<string | number>();
  /** By position: what closes there, then what opens. */
  readonly #closing = new Map<number, string>();
  readonly #opening = new Map<number, string>();
  #points = 0;

  constructor(source: string, file: string) {
    this.#source = source;
    this.#base = hash(file);
    this.tree = ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  }

  readonly visit = (node: ts.Node): void => {
    this.#mark(node);
    if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) ts.forEachChild(node, this.visit);
  };

  finish(coverage: string): Instrumented {
    const places = [...new Set([...this.#closing.keys(), ...this.#opening.keys()])].sort((a, b) => a - b);
    let code = `import { hit as $hit, made as $made, loaded as $loaded } from ${JSON.stringify(coverage)}; $loaded(${this.#points}, ${JSON.stringify([...this.#literals])}); `;
    let at = 0;
    for (const place of places) {
      code += this.#source.slice(at, place) + (this.#closing.get(place) ?? '') + (this.#opening.get(place) ?? '');
      at = place;
    }
    return { code: code + this.#source.slice(at), points: this.#points };
  }

  #mark(node: ts.Node): void {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) this.#markBody(node.body);
    else if (ts.isIfStatement(node)) {
      this.#markStatement(node.thenStatement);
      if (node.elseStatement !== undefined) this.#markStatement(node.elseStatement);
    } else if (ts.isIterationStatement(node, false)) this.#markStatement(node.statement);
    else if (ts.isConditionalExpression(node)) {
      this.#markExpression(node.whenTrue);
      this.#markExpression(node.whenFalse);
    } else if (ts.isBinaryExpression(node) && isLogical(node.operatorToken.kind)) this.#markExpression(node.right);
    else if (ts.isCaseOrDefaultClause(node)) this.#open(this.#after(node, ':'), `${this.#hit()};`);
    else if (ts.isCatchClause(node)) this.#markStatement(node.block);
    else if (isAllocation(node)) this.#wrap(node, '$made(', ')');
    this.#note(node);
  }

  #markBody(body: ts.Node): void {
    if (ts.isBlock(body)) this.#markStatement(body);
    else this.#markExpression(body);
  }

  #markStatement(statement: ts.Node): void {
    if (ts.isBlock(statement)) this.#open(statement.getStart(this.tree) + 1, `${this.#hit()};`);
    else this.#wrap(statement, `{${this.#hit()};`, '}');
  }

  #markExpression(expression: ts.Node): void {
    this.#wrap(expression, `(${this.#hit()},`, ')');
  }

  /** Keeps the values that inputs are compared with. */
  #note(node: ts.Node): void {
    if (ts.isStringLiteralLike(node)) {
      if (node.text.length > 0 && node.text.length <= LONGEST_LITERAL && !/\s\S*\s/.test(node.text)) this.#literals.add(node.text);
    } else if (ts.isNumericLiteral(node)) this.#literals.add(Number(node.text));
  }

  #hit(): string {
    return `$hit(${(this.#base + this.#points++) % POINTS})`;
  }

  #wrap(node: ts.Node, before: string, after: string): void {
    this.#open(node.getStart(this.tree), before);
    // An inner node ends before the outer one does, and is visited after it.
    this.#closing.set(node.end, after + (this.#closing.get(node.end) ?? ''));
  }

  #open(at: number, text: string): void {
    this.#opening.set(at, (this.#opening.get(at) ?? '') + text);
  }

  /** Where the first `text` after a clause's expression ends. */
  #after(clause: ts.CaseOrDefaultClause, text: string): number {
    const from = ts.isCaseClause(clause) ? clause.expression.end : clause.getStart(this.tree);
    return this.#source.indexOf(text, from) + text.length;
  }
}

function isLogical(kind: ts.SyntaxKind): boolean {
  return kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken || kind === ts.SyntaxKind.QuestionQuestionToken;
}

function isAllocation(node: ts.Node): boolean {
  // What follows a `?.` is left out with it; a call around the middle would not be.
  if ((node.flags & ts.NodeFlags.OptionalChain) !== 0) return false;
  if (ts.isNewExpression(node)) return ts.isIdentifier(node.expression) && ALLOCATING_CLASSES.has(node.expression.text);
  return ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && ALLOCATING_METHODS.has(node.expression.name.text);
}

/** FNV-1a, so that a point keeps its number whatever else is loaded. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x0100_0193) >>> 0;
  return value % POINTS;
}
