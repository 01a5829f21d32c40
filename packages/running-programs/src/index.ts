export { fileStem, isCalled, ProgramEntry, programFolders, runningPrograms, type RunningProgram } from './running-program.ts';
export { defaultSocketFolder } from './socket-folder.ts';
