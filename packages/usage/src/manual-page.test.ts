import { defineProperties, property } from '@vpmem/options';
import { expect, it } from 'vitest';
import type { CommandUsage } from './command-usage.ts';
import { manualPage } from './manual-page.ts';

const types = { file: defineProperties({ share: property.bool({ default: false, description: 'writes reach it' }) }) };
const below: CommandUsage = {
  name: 'below',
  description: 'goes deeper',
  options: [{ words: ['-o', '--output'], argument: { name: '<file>', value: { kind: 'file' } }, description: 'where to' }],
  arguments: [{ name: 'file', required: true, many: true, description: 'what to look at', value: { kind: 'file' } }],
  commands: [],
};
const command: CommandUsage = {
  name: 'prog run',
  description: 'does "it" at -5 °C',
  options: [{ words: ['-object'], argument: { name: 'TYPE,…', value: { kind: 'properties', types } }, description: ".dot and \\back\n'quote", section: 'Memory' }],
  arguments: [],
  commands: [below],
};

it('a page has every command, option and property once, and nothing of a text is a request', () => {
  expect(manualPage(command, { version: '1.2.3', date: '2026-12-01', description: ['One.', 'Two.'], sections: { Notes: ['Three.'] }, seeAlso: ['prog(1)', 'man(1)'] })).toBe(String.raw`.TH "PROG\-RUN" 1 "2026-12-01" "vpmem 1.2.3" ""
.nh
.ad l
.SH NAME
prog\-run \- does "it" at \-5 \[u00B0]C
.SH SYNOPSIS
\fBprog run\fR [options] command
.SH DESCRIPTION
One.
.PP
Two.
.SH OPTIONS
.SS "Memory"
.TP
\fB\-object\fR \fITYPE,...\fR
\&.dot and \eback
\&'quote.
.SH COMMANDS
.SS "prog run below"
\fBprog run below\fR [options] <file...>
.PP
goes deeper.
.TP
\fIfile\fR
what to look at.
.TP
\fB\-o\fR, \fB\-\-output\fR \fI<file>\fR
where to.
.SH "PROPERTIES OF \-object"
.SS "file"
.TP
\fBshare\fR=\fIbool\fR
writes reach it (default: off)
.SH "NOTES"
Three.
.SH SEE ALSO
\fBprog\fR(1), \fBman\fR(1)
`);
});
