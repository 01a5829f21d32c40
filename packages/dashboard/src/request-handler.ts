import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Page } from '@vpmem/page-kit';
import { newToken, refusalOf } from './access.ts';
import type { Board } from './board.ts';
import { carryOut } from './control.ts';
import { dashboardHtml } from './page-html.ts';
import type { ReportFolder } from './report-folder.ts';
import { RequestRefusal } from './request-refusal.ts';
import type { Snapshot } from './snapshot.ts';

/** How long a page that waits for a round is left without an answer, in milliseconds. */
const LONGEST_WAIT = 20_000;
/** Bytes of what is posted. */
const LARGEST_BODY = 4096;

/** What a {@link RequestHandler} answers from. */
export interface HandlerParts {
  readonly board: Board;
  readonly control: boolean;
  readonly folder: ReportFolder | undefined;
  readonly port: number;
  readonly token: string;
  /** Aborted when nothing is to wait any more. */
  readonly signal: AbortSignal;
}

/** Of every answer. Nothing is kept by a browser, nothing is shown inside of another page, nothing tells the address to anybody. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** A report is somebody else's page: its script may run, and may reach nothing, this page included. */
const REPORT_POLICY = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/** Answers what browsers ask for. */
export class RequestHandler {
  readonly #parts: HandlerParts;
  /** Part of a report's address, since a frame shows no header; the page's own token would be told to the report. */
  readonly #reportToken = newToken();
  #page: Page | undefined;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Who hangs up in the middle is nobody's trouble.
    response.on('error', () => undefined);
    try {
      await this.#answer(request, response);
    } catch (error) {
      const [status, line] = error instanceof RequestRefusal ? [error.status, error.message] : [500, `this could not be answered: ${(error as Error).message}`];
      text(response, status, line);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    const { pathname, searchParams } = new URL(`http://127.0.0.1${(request.url ?? '').replace(/^(?!\/)/, '/')}`);
    const { port, token } = this.#parts;
    const [, reportToken, reportName] = /^\/report\/([\w-]+)\/([^/]+)$/.exec(pathname) ?? [];
    const isReport = reportToken !== undefined;
    const shown = isReport ? reportToken : pathname === '/' ? (searchParams.get('token') ?? undefined) : headerOf(headers['x-vpmem-token']);
    const refusal = refusalOf({ method, host: headers.host, origin: headers.origin, shown }, { port, token: isReport ? this.#reportToken : token });
    if (refusal !== undefined) throw refusal;
    switch (`${method} ${isReport ? '/report' : pathname}`) {
      case 'GET /':
        this.#sendPage(response);
        break;
      case 'GET /api/state':
        await this.#sendState(response, searchParams);
        break;
      case 'GET /api/history':
        this.#sendHistory(response, searchParams);
        break;
      case 'GET /report':
        this.#sendReport(response, decodeURIComponent(reportName ?? ''));
        break;
      case 'POST /api/control':
        await this.#control(request, response);
        break;
      default:
        throw new RequestRefusal(404, 'there is nothing of that name here');
    }
  }

  #sendPage(response: ServerResponse): void {
    const { html, policy } = (this.#page ??= dashboardHtml());
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': `${policy}; frame-ancestors 'none'` });
    response.end(html);
  }

  /** Waits for the round after the one that the page has. A page that is slow asks later, and so gets fewer. */
  async #sendState(response: ServerResponse, query: URLSearchParams): Promise<void> {
    const { board, signal, folder } = this.#parts;
    const over = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_WAIT), closed(response)]);
    await board.after(numberOf(query.get('after')) ?? 0, over);
    const reports = folder && { base: `/report/${this.#reportToken}/`, ...folder.list() };
    const snapshot: Snapshot = { ...board.snapshot(numberOf(query.get('events')) ?? 0), reports };
    json(response, 200, snapshot);
  }

  #sendHistory(response: ServerResponse, query: URLSearchParams): void {
    const history = this.#parts.board.history(query.get('device') ?? '', numberOf(query.get('span')) ?? 0, numberOf(query.get('since')));
    if (history === undefined) throw new RequestRefusal(404, 'there is no such device any more');
    json(response, 200, history);
  }

  #sendReport(response: ServerResponse, name: string): void {
    const html = this.#parts.folder?.read(name);
    if (html === undefined) throw new RequestRefusal(404, 'there is no report of that name');
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': REPORT_POLICY });
    response.end(html);
  }

  async #control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#parts.control) throw new RequestRefusal(403, 'this page may only look: vpmem dashboard was started without --control');
    json(response, 200, await carryOut(this.#parts.board, await readBody(request)));
  }
}

/** @throws RequestRefusal */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > LARGEST_BODY) throw new RequestRefusal(413, `what is asked for takes more than ${LARGEST_BODY} bytes`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    throw new RequestRefusal(400, 'what is asked for is not JSON');
  }
}

function closed(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.on('close', () => controller.abort());
  return controller.signal;
}

function headerOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(text: string | null): number | undefined {
  const value = text === null || text === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function text(response: ServerResponse, status: number, line: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8', 'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'" });
  response.end(`${line}\n`);
}

/** Sizes beyond 2^53 are a bigint, and a figure that is shown anyway. */
function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)));
}
