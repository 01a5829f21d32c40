import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { RequestRefusal } from './request-refusal.ts';

/** What of a request says who asks. */
export interface AskedRequest {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** What it shows to prove that it may: the token of the page and its data, or the one of reports. */
  readonly shown: string | undefined;
}

const noToken = (): RequestRefusal => new RequestRefusal(403, "the token is missing or is not this page's: open the address that vpmem dashboard printed when it started");
const otherHost = (): RequestRefusal => new RequestRefusal(403, 'this is asked for by another name than the one it is served at: open the address that vpmem dashboard printed when it started');
const otherPage = (): RequestRefusal => new RequestRefusal(403, 'another page asks for this; only the page of vpmem dashboard itself may');
const otherMethod = (): RequestRefusal => new RequestRefusal(405, 'only GET and POST are answered here');

/** 128 bits that nobody guesses, for an address. */
export function newToken(): string {
  return randomBytes(16).toString('base64url');
}

/**
 * Whether a request may be answered. A page elsewhere can make a browser ask us whatever it likes: under a name of its own that it lets
 * lead to this host, which `Host` tells of, or blindly, which `Origin` does. It does not know the token in either case.
 */
export function refusalOf({ method, host, origin, shown }: AskedRequest, { port, token }: { readonly port: number; readonly token: string }): RequestRefusal | undefined {
  if (method !== 'GET' && method !== 'POST') return otherMethod();
  if (host === undefined || !['127.0.0.1', 'localhost'].some((name) => host === `${name}:${port}`)) return otherHost();
  if (shown === undefined || !isSame(shown, token)) return noToken();
  if (method !== 'GET' && origin !== `http://${host}`) return otherPage();
  return undefined;
}

/** Takes as long wherever they differ, and however long they are. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
