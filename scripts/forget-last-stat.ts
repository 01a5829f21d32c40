// Before each file of tests. Node 20 follows no link of an import for as long as the last file that it was asked about was a socket or a pipe,
// as one of the tests before in this process may have left it; what a linked package needs is not found then.
import { statSync } from 'node:fs';

statSync('/');
